// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// place is where a credential hides in a task: CANARY stands for it, BASIC for base64 of a user name with it, ENCODED for
// a percent-encoded URL that holds it. field is what redactedFields has to name; nothing is masked where it is empty,
// since the place is not mirrored at all.
type place struct{ json, field string }

func (p place) filled(n int) string {
	secret := canary(n)
	return strings.NewReplacer(
		"CANARY", secret,
		"APIKEY", canaryKey,
		"WEBHOOK", canaryWebhook,
		"BASIC", base64.StdEncoding.EncodeToString([]byte("user:"+secret)),
		"BASE64KEY", base64.StdEncoding.EncodeToString([]byte("Bearer "+canaryKey)),
		"ENCODED", url.QueryEscape("https://user:"+secret+"@host.example/a?sig="+secret),
	).Replace(p.json)
}

const (
	transcode = "params.transcodeFile."
	custom    = "params.export.custom."
	asset     = "output.upload.assetSpec."
)

// taskPlaces are the places that the API's documentation and its answers show, and what somebody might think of.
var taskPlaces = []place{
	{`"type":"transcode-file","params":{"transcode-file":{"input":{"url":"s3+https://key:CANARY@host/bucket"}}}`, transcode + "input.url"},
	{`"params":{"transcode-file":{"storage":{"url":"S3+HTTPS://CANARY:x@host/bucket"}}}`, transcode + "storage.url"},
	{`"params":{"transcode-file":{"storage":{"url":"s3+https://key:CAN/CANARY+x@host/bucket"}}}`, transcode + "storage.url"},
	{`"params":{"transcode-file":{"storage":{"url":"ENCODED"}}}`, transcode + "storage.url"},
	{`"params":{"transcode-file":{"outputs":{"hls":{"path":"Bearer CANARY"}}}}`, transcode + "outputs.hls.path"},
	{`"params":{"transcode-file":{"profiles":[{"name":"password=CANARY"}]}}`, transcode + "profiles[0].name"},
	{`"params":{"transcode-file":{"profiles":[{"name":"a"},{"gop":"token=CANARY"}]}}`, transcode + "profiles[1].gop"},
	{`"params":{"transcode-file":{"c2pa":true,"secret":"CANARY"}}`, ""},
	{`"type":"export","params":{"export":{"custom":{"url":"https://host/x?X-Amz-Signature=CANARY&X-Amz-Credential=CANARY"}}}`, custom + "url"},
	{`"params":{"export":{"custom":{"url":"https://host/x?format=CANARY"}}}`, custom + "url"},
	{`"params":{"export":{"custom":{"url":"https://host/x?u=ENCODED"}}}`, custom + "url"},
	{`"params":{"export":{"custom":{"url":"https://host/x#token=CANARY"}}}`, custom + "url"},
	{`"params":{"export":{"custom":{"url":"https://CANARY@host/x"}}}`, custom + "url"},
	{`"params":{"export":{"custom":{"url":"https://hooks.slack.com/services/T0/B0/CANARY"}}}`, custom + "url"},
	{`"params":{"export":{"custom":{"url":"rtmp://rtmp.livepeer.com/live/CANARY"}}}`, custom + "url"},
	{`"params":{"export":{"custom":{"url":"https://host/APIKEY/x"}}}`, custom + "url"},
	{`"params":{"export":{"custom":{"headers":{"Authorization":"Basic BASIC"}}}}`, custom + "headers.Authorization"},
	{`"params":{"export":{"custom":{"headers":{"x-api-key":"CANARY"}}}}`, custom + "headers.x-api-key"},
	{`"params":{"export":{"custom":{"headers":{"Accept":"CANARY","Authorization: Bearer CANARY":"x"}}}}`, custom + "headers.Accept"},
	{`"params":{"export":{"custom":{"headers":{"X-A":"CANARY","APIKEY":"x","X-B":{"token":"CANARY"}}}}}`, custom + "headers.X-A"},
	{`"params":{"export":{"ipfs":{"pinata":{"jwt":"CANARY"}}}}`, "params.export.ipfs.pinata.jwt"},
	{`"params":{"export":{"ipfs":{"pinata":{"apiKey":"CANARY","apiSecret":"CANARY","other":"CANARY"}}}}`, "params.export.ipfs.pinata.apiSecret"},
	{`"params":{"export":{"ipfs":{"nftMetadata":{"image":"https://host/a?sig=CANARY"}}}}`, "params.export.ipfs.nftMetadata.image"},
	{`"type":"export-data","params":{"exportData":{"ipfs":{"pinata":{"jwt":"CANARY"}}}}`, "params.exportData.ipfs.pinata.jwt"},
	{`"params":{"exportData":{"ipfs":{"pinata":{"apiKey":"CANARY"}}}}`, "params.exportData.ipfs.pinata.apiKey"},
	{`"params":{"exportData":{"content":{"a":{"clientSecret":"CANARY"}}}}`, "params.exportData.content.a.clientSecret"},
	{`"params":{"exportData":{"content":{"a":["x","{\"password\":\"CANARY\"}"]}}}`, "params.exportData.content.a[1]"},
	{`"params":{"exportData":{"content":[{"name":"X-Api-Key","value":"CANARY"}]}}`, "params.exportData.content[0].value"},
	{`"params":{"exportData":{"content":{"auth":["CANARY",{"x":"CANARY"}]}}}`, "params.exportData.content.auth"},
	{`"params":{"exportData":{"content":{"Bearer CANARY":1}}}`, "params.exportData.content.Bearer [redacted]"},
	{`"params":{"exportData":{"content":{"https://u:CANARY@host/":{"b":2}}}}`, "params.exportData.content.https://***:***@host/"},
	{`"params":{"exportData":{"content":"Server=x;Uid=sa;Pwd=CANARY;"}}`, "params.exportData.content"},
	{`"params":{"exportData":{"content":{"a":"WEBHOOK"}}}`, "params.exportData.content.a"},
	{`"params":{"exportData":{"content":{"a":"BASE64KEY"}}}`, "params.exportData.content.a"},
	{`"type":"upload","params":{"upload":{"url":"https://user:CANARY@host/x?token=CANARY"}}`, "params.upload.url"},
	{`"params":{"upload":{"encryption":{"encryptedKey":"CANARY"}}}`, "params.upload.encryption.encryptedKey"},
	{`"params":{"upload":{"encryption":{"key":"CANARY"}}}`, "params.upload.encryption.key"},
	{`"type":"clip","params":{"clip":{"url":"https://host/x?sig=CANARY"}}`, "params.clip.url"},
	{`"params":{"clip":{"sessionId":"https://host/x?sig=CANARY"}}`, "params.clip.sessionId"},
	{`"inputAssetId":"Bearer CANARY"`, "inputAssetId"},
	{`"outputAssetId":"//user:CANARY@host"`, "outputAssetId"},
	{`"requesterId":"jwt eyJhbGciOiJIUzI1NiJ9.CANARY.x"`, "requesterId"},
	{`"type":"password=CANARY"`, "type"},
	{`"status":{"phase":"token=CANARY","updatedAt":1700000000000}`, "phase"},
	{`"output":{"upload":{"assetSpec":{"source":{"url":"https://host/x?sig=CANARY"}}}}`, asset + "source.url"},
	{`"output":{"upload":{"assetSpec":{"source":{"encryption":{"key":"CANARY"}}}}}`, asset + "source.encryption.key"},
	{`"output":{"upload":{"assetSpec":{"name":"--password CANARY"}}}`, asset + "name"},
	{`"output":{"upload":{"assetSpec":{"playbackPolicy":{"webhookContext":{"apiKey":"CANARY"}}}}}`, asset + "playbackPolicy.webhookContext.apiKey"},
	{`"output":{"upload":{"assetSpec":{"playbackPolicy":{"webhookContext":{"streamKey":"CANARY"}}}}}`, asset + "playbackPolicy.webhookContext.streamKey"},
	{`"output":{"upload":{"assetSpec":{"playbackPolicy":{"allowedOrigins":["https://u:CANARY@h"]}}}}`, asset + "playbackPolicy.allowedOrigins[0]"},
	{`"output":{"upload":{"assetSpec":{"downloadUrl":"https://host/x?Signature=CANARY"}}}`, asset + "downloadUrl"},
	{`"output":{"upload":{"assetSpec":{"creatorId":"secret: CANARY"}}}`, asset + "creatorId.value"},
	{`"output":{"upload":{"assetSpec":{"status":{"errorMessage":"x-api-key: CANARY"}}}}`, asset + "status.errorMessage"},
	{`"output":{"clip":{"assetSpec":{"source":{"encryption":{"encryptedKey":"CANARY"}}}}}`, "output.clip.assetSpec.source.encryption.encryptedKey"},
	{`"output":{"transcodeFile":{"baseUrl":"s3+https://u:CANARY@h/b"}}`, "output.transcodeFile.baseUrl"},
	{`"output":{"transcodeFile":{"hls":{"path":"/a?sig=CANARY"}}}`, "output.transcodeFile.hls.path"},
	{`"output":{"export":{"ipfs":{"videoFileUrl":"ipfs://x?token=CANARY"}}}`, "output.export.ipfs.videoFileUrl"},
	{`"status":{"phase":"failed","errorMessage":"PUT s3+https://u:CANARY@h/b failed"}`, "errorMessage"},
	{`"status":{"phase":"failed","errorMessage":"Authorization: Bearer CANARY\nCookie: a=b; c=CANARY"}`, "errorMessage"},
	{`"status":{"phase":"failed","errorMessage":"no token APIKEY found"}`, "errorMessage"},
	{`"status":{"phase":"failed","errorMessage":"BASE64KEY"}`, "errorMessage"},
	{`"status":{"phase":"failed","errorMessage":"<Error><AWSAccessKeyId>CANARY</AWSAccessKeyId></Error>"}`, "errorMessage"},
	{`"status":{"phase":"failed","errorMessage":"-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----"}`, "errorMessage"},
	{`"status":{"phase":"failed","errorMessage":"GET ENCODED failed"}`, "errorMessage"},
	{`"status":{"phase":"waiting","errorMessage":"{\"url\":\"https:\\/\\/u:CANARY@h\\/x\",\"token\":\"CANARY\"}"}`, "errorMessage"},
	{`"status":{"phase":"failed","errorMessage":"` + strings.Repeat("ä ", 2040) + `password=CANARY"}`, "errorMessage"},
	{`"status":{"phase":"failed","errorMessage":"` + strings.Repeat("x", 4075) + ` APIKEY"}`, "errorMessage"},
	{`"user":"CANARY","name":"CANARY","x":{"y":["CANARY"]},"uploadedObjectKey":"CANARY","CANARY":"CANARY"`, ""},
	{`"params":{"CANARY":{"a":"CANARY"},"upload":{"CANARY":"CANARY","encryption":{"CANARY":1}}}`, ""},
	{`"status":{"phase":"running","progress":"CANARY","retries":"CANARY","CANARY":"CANARY"}`, ""},
	{`"output":"CANARY","params":["CANARY"],"inputAssetId":{"a":"CANARY"},"createdAt":"CANARY"`, ""},
	{`"sourceReadyAt":"CANARY","thumbnails":["https://h/x?sig=CANARY"],"objectStoreId":"CANARY"`, ""},
}
