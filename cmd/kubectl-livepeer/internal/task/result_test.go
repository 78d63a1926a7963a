// SPDX-License-Identifier: Apache-2.0

package task

import (
	"fmt"
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// made lets an upload have made an asset.
func made(name string) func(*v1alpha1.LivepeerTask) {
	return func(t *v1alpha1.LivepeerTask) {
		t.Status.Output = &v1alpha1.TaskOutput{Upload: &v1alpha1.AssetOutput{AssetSpec: &v1alpha1.AssetSpec{
			Name: name, PlaybackURL: "https://cdn.example.com/" + name, DownloadURL: "https://download.example.com", PlaybackID: "27d2",
		}}}
	}
}

func output(o v1alpha1.TaskOutput) func(*v1alpha1.LivepeerTask) {
	return func(t *v1alpha1.LivepeerTask) { t.Status.Output = &o }
}

func custom(t *v1alpha1.LivepeerTask) {
	t.Spec.Params = &v1alpha1.TaskParams{Export: &v1alpha1.ExportParams{Custom: &v1alpha1.CustomExport{URL: "https://mine.example.com/f", Method: "PUT"}}}
}

func TestURL(t *testing.T) {
	for _, c := range []struct {
		task v1alpha1.LivepeerTask
		want string
	}{
		{at(0, "x", "completed", made("a")), "https://cdn.example.com/a"},
		{at(0, "x", "completed", output(v1alpha1.TaskOutput{Export: &v1alpha1.ExportOutput{IPFS: &v1alpha1.ExportIPFSOutput{
			VideoFileCID: "bafy", VideoFileURL: "ipfs://bafy", VideoFileGatewayURL: "https://gateway.example.com/bafy",
		}}})), "https://gateway.example.com/bafy"},
		{at(0, "x", "completed", output(v1alpha1.TaskOutput{ExportData: &v1alpha1.ExportDataOutput{IPFS: &v1alpha1.ExportDataIPFSOutput{CID: "bafy"}}})), "ipfs://bafy"},
		{at(0, "x", "completed", output(v1alpha1.TaskOutput{TranscodeFile: &v1alpha1.TranscodeFileOutput{
			BaseURL: "s3+https://storage.example.com/bucket/", HLS: &v1alpha1.OutputPath{Path: "/hls/index.m3u8"},
		}})), "s3+https://storage.example.com/bucket/hls/index.m3u8"},
		{at(0, "x", "completed", output(v1alpha1.TaskOutput{TranscodeFile: &v1alpha1.TranscodeFileOutput{
			MP4: []v1alpha1.OutputPath{{Path: "a.mp4"}, {Path: "b.mp4"}},
		}})), ""},
		{at(0, "x", "completed", custom), "https://mine.example.com/f"},
		{at(0, "x", "running", custom), ""},
		{at(0, "x", "completed"), ""},
	} {
		if got := URL(&c.task); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}

func TestResults(t *testing.T) {
	stored := at(0, "x", "completed", made("a"))
	stored.Status.Output.Upload.AssetSpec.Storage = &v1alpha1.AssetStorage{IPFS: &v1alpha1.AssetIPFS{URL: "ipfs://bafy", CID: "bafy"}}
	transcoded := at(0, "x", "completed", output(v1alpha1.TaskOutput{TranscodeFile: &v1alpha1.TranscodeFileOutput{
		BaseURL: "s3+https://h/b", HLS: &v1alpha1.OutputPath{}, MP4: []v1alpha1.OutputPath{{Path: "a.mp4"}, {Path: "b.mp4"}},
	}}))
	for want, task := range map[string]*v1alpha1.LivepeerTask{
		"[{Playback URL https://cdn.example.com/a} {Download URL https://download.example.com} {Playback ID 27d2} {IPFS URL ipfs://bafy} {IPFS CID bafy}]": &stored,
		"[{MP4 1 URL s3+https://h/b/a.mp4} {MP4 2 URL s3+https://h/b/b.mp4}]":                                                                              &transcoded,
	} {
		if got := fmt.Sprint(Results(task)); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestURLOfAnAssetIsWhereItPlays(t *testing.T) {
	tasks := []v1alpha1.LivepeerTask{
		at(1, "upload", "completed", assets("", "asset"), made("a")),
		at(5, "export", "completed", assets("asset", ""), custom),
		at(6, "export-failed", "failed", assets("asset", "")),
		at(7, "of-other", "completed", assets("stream", "other"), custom),
	}
	for arg, want := range map[string]string{
		"asset": "https://cdn.example.com/a", "export": "https://mine.example.com/f", "export-failed": "", "stream": "https://mine.example.com/f", "nope": "",
	} {
		got, of := URLOf(arg, tasks)
		if got != want || (of == nil) != (want == "") || of != nil && URL(of) != want {
			t.Errorf("%s: %q of %v, not %q", arg, got, of, want)
		}
	}
}

func TestAsked(t *testing.T) {
	for _, c := range []struct {
		params *v1alpha1.TaskParams
		want   string
	}{
		{nil, "  "},
		{&v1alpha1.TaskParams{Export: &v1alpha1.ExportParams{IPFS: &v1alpha1.IPFSExport{}}}, "export to IPFS  "},
		{&v1alpha1.TaskParams{Export: &v1alpha1.ExportParams{Custom: &v1alpha1.CustomExport{Method: "PUT", URL: "https://a.example.com/b"}}}, "export by HTTP PUT  a.example.com"},
		{&v1alpha1.TaskParams{ExportData: &v1alpha1.ExportDataParams{Type: "attestation", ID: "e2ae"}}, "store data attestation; ID e2ae  "},
		{&v1alpha1.TaskParams{TranscodeFile: &v1alpha1.TranscodeFileParams{
			Input: &v1alpha1.FileLocation{URL: "https://in.example.com/f"}, Storage: &v1alpha1.FileLocation{URL: "s3+https://xxx:xxx@out.example.com"},
			Outputs: &v1alpha1.TranscodeOutputs{HLS: &v1alpha1.OutputPath{Path: "/t/39/hls"}, FMP4: &v1alpha1.OutputPath{}},
		}}, "make HLS at /t/39/hls, fragmented MP4 in.example.com out.example.com"},
		{&v1alpha1.TaskParams{Clip: &v1alpha1.ClipParams{URL: "https://play.example.com/x", ClipStrategy: &v1alpha1.ClipStrategy{
			StartTime: new(1587667174000.), EndTime: new(1587667204000.),
		}}}, "30s of playback from 2020-04-23T18:39:34Z play.example.com "},
		{&v1alpha1.TaskParams{Clip: &v1alpha1.ClipParams{
			ClipStrategy: &v1alpha1.ClipStrategy{PlaybackID: "9e1a"}, SessionID: "3151", InputID: "b0b5",
		}}, "playback ID 9e1a; session 3151; input b0b5  "},
		{&v1alpha1.TaskParams{Upload: &v1alpha1.UploadParams{Profiles: []v1alpha1.TranscodeProfile{
			{Name: "source"}, {Bitrate: new(int64(1600000))}, {},
		}}}, "renditions source, 1600000 bit/s, unnamed  "},
		{&v1alpha1.TaskParams{Import: &v1alpha1.UploadParams{Profiles: []v1alpha1.TranscodeProfile{{Name: "720p"}}}}, "renditions 720p  "},
		{&v1alpha1.TaskParams{Transcode: &v1alpha1.TranscodeParams{Profile: &v1alpha1.TranscodeProfile{Name: "360p"}}}, "renditions 360p  "},
	} {
		if got := fmt.Sprint(asked(c.params), " ", host(from(c.params)), " ", host(to(c.params))); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}

// TestHosts: where a file goes is told of what Studio takes for a URL, masked or not.
func TestHosts(t *testing.T) {
	for address, want := range map[string]string{
		"":                               "",
		"nowhere":                        "",
		"https://in.example.com:8443/v":  "in.example.com:8443",
		"https://in.example.com?a=b#c":   "in.example.com",
		"s3+https://***:***@h/bucket":    "h",
		"https://[redacted]@h.example/b": "h.example",
		"https://h.example/100%/a b":     "h.example",
		"w3s://***:***@/":                "w3s",
		"ipfs://bafy/file.mp4":           "bafy",
		"file:///tmp/x":                  "file",
	} {
		if got := host(address); got != want {
			t.Errorf("%s: %q, not %q", address, got, want)
		}
	}
}

// TestWhatAnAssetIsLike: who may play it, where else it is or why it is not, and what it is.
func TestWhatAnAssetIsLike(t *testing.T) {
	video := at(0, "x", "completed", made("a"))
	asset := video.Status.Output.Upload.AssetSpec
	*asset = v1alpha1.AssetSpec{
		ID: "33c3", Type: "video", Size: new(84934556.), CreatorID: &v1alpha1.CreatorID{Value: "user123"},
		PlaybackPolicy: &v1alpha1.PlaybackPolicy{Type: "jwt", AllowedOrigins: []string{"https://a.example"}},
		VideoSpec: &v1alpha1.VideoSpec{Format: "mp4", Duration: new(23.8328), Tracks: []v1alpha1.MediaTrack{
			{Type: "audio"}, {Type: "video", Width: new(1280.), Height: new(720.)},
		}},
		Status: &v1alpha1.AssetStatus{Phase: "failed", ErrorMessage: "no disk"},
		Storage: &v1alpha1.AssetStorage{
			IPFS:   &v1alpha1.AssetIPFS{GatewayURL: "https://g.example/bafy", NFTMetadata: &v1alpha1.IPFSFile{URL: "ipfs://nft", CID: "nft"}},
			Status: &v1alpha1.AssetStorageStatus{Phase: "failed", ErrorMessage: "pin refused"},
		},
	}
	got := map[string]string{}
	for _, section := range Describe(&video, day, term.Duration) {
		for _, field := range section.Fields {
			got[field.Label] = field.Value
		}
	}
	for label, want := range map[string]string{
		"Output asset": "33c3", "Creator": "user123", "Media": "mp4, 1280x720, 24s, 84.9 MB", "Asset status": "failed: no disk",
		"Playback policy": "jwt: a player needs a signed token; only on https://a.example", "IPFS storage": "failed: pin refused",
		"Gateway URL": "https://g.example/bafy", "NFT metadata": "ipfs://nft", "NFT metadata CID": "nft",
	} {
		if got[label] != want {
			t.Errorf("%s: %q, not %q", label, got[label], want)
		}
	}
	if got := URL(&video); got != "https://g.example/bafy" {
		t.Error(got)
	}
	asset.Storage.IPFS.GatewayURL = ""
	if got := URL(&video); got != "" {
		t.Errorf("the metadata is not what is looked for: %s", got)
	}
	asset.PlaybackURL, asset.PlaybackPolicy = "https://cdn.example.com/a", &v1alpha1.PlaybackPolicy{Type: "public", AllowedOrigins: []string{"*"}}
	if got := Restricted(&video, asset.PlaybackURL); got != "" {
		t.Errorf("everybody may play it: %s", got)
	}
	for _, kind := range []string{"webhook", "lit"} {
		asset.PlaybackPolicy.Type = kind
		if got := Restricted(&video, asset.PlaybackURL); !strings.HasPrefix(got, kind) || Restricted(&video, "https://g.example") != "" {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

// TestOddMedia: what makes no sense is not told.
func TestOddMedia(t *testing.T) {
	for n, want := range map[float64]string{-1: "", 1e300: "", 0: "0 B", 999: "999 B", 1500: "1.5 kB", 2.5e9: "2.5 GB"} {
		if got := size(&n); got != want {
			t.Errorf("%g: %q, not %q", n, got, want)
		}
	}
	for n, want := range map[float64]string{-1: "", 0: "", 1e300: "", 0.4: "under 1s", 90.4: "1m30s"} {
		if got := seconds(&n, term.Duration); got != want {
			t.Errorf("%g: %q, not %q", n, got, want)
		}
	}
}
