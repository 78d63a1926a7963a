// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"fmt"
	"time"
)

type obj = map[string]any

func (m *maker) profiles() []any {
	ladder := []struct {
		width, height, bitrate int
	}{{640, 360, 800000}, {854, 480, 1600000}, {1280, 720, 3000000}, {1920, 1080, 6500000}}
	gop := pick[any](m, 2, "2.0", "intra") // the API takes and answers both
	list := make([]any, len(ladder))
	for i, p := range ladder {
		list[i] = obj{
			"name": fmt.Sprintf("%dp", p.height), "width": p.width, "height": p.height, "bitrate": p.bitrate,
			"fps": 30, "fpsDen": 1, "quality": 23, "gop": gop, "profile": "H264Baseline", "encoder": "H.264",
		}
	}
	return list
}

func (m *maker) creatorID() any {
	name := fmt.Sprintf("creator-%d", m.rand.IntN(50))
	return pick[any](m, name, obj{"type": "unverified", "value": name})
}

func (m *maker) uploadParams() obj {
	p := obj{
		"url":  "https://lp-vod-upload.example.com/directUpload/" + m.hex(16),
		"c2pa": false, "profiles": m.profiles(), "thumbnails": true, "targetSegmentSizeSecs": 10,
		"catalystPipelineStrategy": "catalyst_ffmpeg",
	}
	if m.rand.IntN(8) == 0 {
		p["url"] = fmt.Sprintf("s3+https://AKIA%s:made%%2Fup%s@storage.example.com/bucket/source/%d.mp4", m.hex(16), m.hex(24), m.made)
		p["encryption"] = obj{"encryptedKey": "bWFkZSB1cA==" + m.hex(16)}
	}
	return p
}

func (m *maker) exportParams() obj {
	if m.rand.IntN(2) == 0 {
		return obj{"ipfs": obj{"pinata": obj{"apiKey": m.hex(20), "apiSecret": m.hex(64)}, "nftMetadataTemplate": "file",
			"nftMetadata": obj{"name": fmt.Sprintf("Video %d", m.made), "description": "A video"}}}
	}
	return obj{"custom": obj{
		"url": "https://bucket.s3.example.com/videos/" + m.hex(12) +
			".mp4?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=" + m.hex(64),
		"method": "PUT", "headers": obj{"x-api-key": m.hex(32), "content-type": "video/mp4"},
	}}
}

func (m *maker) exportDataParams() obj {
	return obj{
		"id": m.uuid(), "type": "attestation", "content": obj{"data": obj{"note": "user content", "n": m.made}},
		"ipfs": obj{"pinata": obj{"jwt": "eyJhbGciOiJub25lIn0.eyJtYWRlIjoidXAifQ." + m.hex(32)}},
	}
}

func (m *maker) transcodeParams() obj {
	return obj{
		"c2pa":    false,
		"input":   obj{"url": fmt.Sprintf("s3+https://***:***@storage.example.com/in/%d.mp4", m.made)},
		"storage": obj{"url": "s3+https://***:***@storage.example.com/out"},
		"outputs": obj{"hls": obj{"path": fmt.Sprintf("/t/%d/hls", m.made)}, "mp4": obj{"path": fmt.Sprintf("/t/%d/mp4", m.made)},
			"fmp4": obj{"path": fmt.Sprintf("/t/%d/fmp4", m.made)}},
		"profiles": m.profiles(), "creatorId": m.creatorID(), "targetSegmentSizeSecs": 10, "catalystPipelineStrategy": "catalyst",
	}
}

func (m *maker) clipParams(now time.Time) obj {
	return obj{
		"url": "https://recordings.example.com/hls/" + m.hex(16) + "/output.m3u8", "inputId": m.uuid(), "sessionId": m.uuid(),
		"clipStrategy": obj{
			"startTime": float64(now.Add(-2*time.Minute).UnixMilli()) + 0.25, "endTime": now.Add(-time.Minute).UnixMilli(),
			"playbackId": m.hex(16),
		},
		"sourceObjectStoreId": m.uuid(), "catalystPipelineStrategy": "catalyst",
	}
}

// output makes what a task of that type leaves behind.
func (m *maker) output(t Task, now time.Time) obj {
	switch t["type"] {
	case "export":
		video, meta := m.cid(), m.cid()
		return obj{"export": obj{"ipfs": obj{
			"videoFileCid": video, "videoFileUrl": "ipfs://" + video, "videoFileGatewayUrl": "https://ipfs.example.com/ipfs/" + video,
			"nftMetadataCid": meta, "nftMetadataUrl": "ipfs://" + meta, "nftMetadataGatewayUrl": "https://ipfs.example.com/ipfs/" + meta,
		}}}
	case "export-data":
		return obj{"exportData": obj{"ipfs": obj{"cid": m.cid()}}}
	case "transcode-file":
		n := m.made
		return obj{"transcodeFile": obj{
			"baseUrl": "s3+https://storage.example.com/out", "request_id": m.hex(16),
			"hls": obj{"path": fmt.Sprintf("/t/%d/hls/index.m3u8", n)}, "mp4": []any{obj{"path": fmt.Sprintf("/t/%d/mp4/720p0.mp4", n)}},
			"input_video": obj{"duration": 23.8328, "size": 84934509 + n},
		}}
	case "clip":
		return obj{"clip": obj{"assetSpec": m.asset(t, now)}}
	}
	return obj{"upload": obj{"assetSpec": m.asset(t, now)}}
}

// asset makes the description of a video that is ready to play.
func (m *maker) asset(t Task, now time.Time) obj {
	playback := m.hex(16)
	ms := now.UnixMilli()
	return obj{
		"id": t["outputAssetId"], "type": "video", "userId": UserID, "projectId": ProjectID, "createdAt": t["createdAt"],
		"name": fmt.Sprintf("video-%d.mp4", m.made), "size": 84934509 + m.made, "createdByTokenName": "website",
		"status":      obj{"phase": "ready", "updatedAt": ms},
		"playbackId":  playback,
		"playbackUrl": "https://cdn.example.com/hls/" + playback + "/index.m3u8",
		"downloadUrl": "https://cdn.example.com/hls/" + playback + "/video.mp4",
		"hash":        []any{obj{"algorithm": "md5", "hash": m.hex(32)}, obj{"algorithm": "sha256", "hash": m.hex(64)}},
		"source":      obj{"type": pick(m, "url", "directUpload"), "url": "https://example.com/source/" + m.hex(16) + ".mp4"},
		"creatorId":   m.creatorID(), "profiles": m.profiles(),
		"playbackPolicy": pick[any](m, nil, obj{"type": "public"}, m.webhookPolicy()),
		"storage": obj{
			"ipfs": obj{"spec": obj{}, "cid": m.cid(), "updatedAt": ms}, "status": obj{"phase": "ready", "tasks": obj{"last": m.uuid()}},
		},
		"files":         m.files(playback),
		"objectStoreId": m.uuid(), "sourceReadyAt": ms, "playbackRecordingId": m.hex(16),
		"videoSpec": obj{"format": "mp4", "duration": 23.8328, "bitrate": 8000000, "tracks": tracks()},
	}
}

func (m *maker) webhookPolicy() obj {
	return obj{
		"type": "webhook", "webhookId": m.uuid(), "webhookContext": obj{"streamerId": "my-custom-id", "accessKey": m.hex(16)},
		"refreshInterval": 600, "allowedOrigins": []any{"https://example.com"},
	}
}

func (m *maker) files(playback string) []any {
	heights := []int{360, 480, 720, 1080}
	list := append(make([]any, 0, len(heights)+1), obj{"type": "catalyst_hls_manifest", "path": "/" + playback + "/index.m3u8"})
	for _, height := range heights {
		list = append(list, obj{
			"type": "static_transcoded_mp4", "path": fmt.Sprintf("/%s/static%dp0.mp4", playback, height),
			"spec": obj{"width": height * 16 / 9, "height": height, "bitrate": height * 4000, "size": height * 12000},
		})
	}
	return list
}

func tracks() []any {
	return []any{
		obj{"type": "video", "codec": "h264", "width": 1920, "height": 1080, "fps": 30, "bitrate": 7854000,
			"pixelFormat": "yuv420p", "startTime": 0, "duration": 23.8238, "bitDepth": 8},
		obj{"type": "audio", "codec": "aac", "bitrate": 128000, "channels": 2, "sampleRate": 44100,
			"startTime": 0, "duration": 23.8328, "bitDepth": 16},
	}
}
