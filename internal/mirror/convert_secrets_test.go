// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// credentialPlaces are the places where the API is known to carry credentials, with %s for one, and the path that is
// named when it is masked.
var credentialPlaces = []struct{ raw, path string }{
	{`"params":{"transcode-file":{"input":{"url":"s3+https://key:%s@host/b"}}}`, "params.transcodeFile.input.url"},
	{`"params":{"transcode-file":{"storage":{"url":"s3+https://%s:x/y+z@host/b"}}}`, "params.transcodeFile.storage.url"},
	{`"params":{"export":{"custom":{"url":"https://h/x?X-Amz-Signature=%s"}}}`, "params.export.custom.url"},
	{`"params":{"export":{"custom":{"headers":{"Authorization":"Bearer %s"}}}}`, "params.export.custom.headers.Authorization"},
	{`"params":{"export":{"custom":{"headers":{"X-Whatever":"%s"}}}}`, "params.export.custom.headers.X-Whatever"},
	{`"params":{"export":{"ipfs":{"pinata":{"jwt":"%s"}}}}`, "params.export.ipfs.pinata.jwt"},
	{`"params":{"export":{"ipfs":{"pinata":{"apiKey":"%s"}}}}`, "params.export.ipfs.pinata.apiKey"},
	{`"params":{"export":{"ipfs":{"nftMetadata":{"a":[{"apiKey":"%s"}]}}}}`, "params.export.ipfs.nftMetadata.a[0].apiKey"},
	{`"params":{"exportData":{"ipfs":{"pinata":{"apiSecret":"%s"}}}}`, "params.exportData.ipfs.pinata.apiSecret"},
	{`"params":{"exportData":{"ipfs":{"$ref":"Bearer %s"}}}`, "params.exportData.ipfs.$ref"},
	{`"params":{"exportData":{"content":{"data":{"token":"%s"}}}}`, "params.exportData.content.data.token"},
	{`"params":{"exportData":{"content":["x","password=%s"]}}`, "params.exportData.content[1]"},
	{`"params":{"upload":{"url":"https://h/x?token=%s"}}`, "params.upload.url"},
	{`"params":{"upload":{"encryption":{"encryptedKey":"%s"}}}`, "params.upload.encryption.encryptedKey"},
	{`"params":{"upload":{"encryption":{"key":"%s"}}}`, "params.upload.encryption.key"},
	{`"params":{"clip":{"url":"https://%s@h/x"}}`, "params.clip.url"},
	{`"inputAssetId":"https://h/?x=%s"`, "inputAssetId"},
	{`"output":{"upload":{"assetSpec":{"source":{"url":"https://u:%s@h/"}}}}`, "output.upload.assetSpec.source.url"},
	{`"output":{"clip":{"assetSpec":{"source":{"encryption":{"key":"%s"}}}}}`, "output.clip.assetSpec.source.encryption.key"},
	{`"output":{"upload":{"assetSpec":{"playbackPolicy":{"webhookContext":{"secret":"%s"}}}}}`,
		"output.upload.assetSpec.playbackPolicy.webhookContext.secret"},
	{`"output":{"upload":{"assetSpec":{"playbackPolicy":{"allowedOrigins":["*","https://u:%s@h"]}}}}`,
		"output.upload.assetSpec.playbackPolicy.allowedOrigins[1]"},
	{`"output":{"upload":{"assetSpec":{"status":{"errorMessage":"GET https://h/x?sig=%s failed"}}}}`,
		"output.upload.assetSpec.status.errorMessage"},
	{`"output":{"transcodeFile":{"baseUrl":"s3+https://u:%s@h/b"}}`, "output.transcodeFile.baseUrl"},
	{`"status":{"phase":"failed","errorMessage":"download s3+https://AK:%s@h/b failed"}`, "errorMessage"},
	{`"status":{"phase":"waiting","errorMessage":"sent Authorization: Bearer %s"}`, "errorMessage"},
}

// TestCredentials: a credential appears nowhere in the result, the field is named, and masking again changes nothing.
func TestCredentials(t *testing.T) {
	const secret = "Canary0fAll5ecrets"
	for _, c := range credentialPlaces {
		o := mustConvert(t, `{"id":"A",`+fmt.Sprintf(c.raw, secret)+`}`)
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), secret) {
			t.Errorf("%s: the credential is in %s", c.path, data)
		}
		if named := slices.Concat(o.Spec.RedactedFields, o.Status.RedactedFields); !slices.Equal(named, []string{c.path}) {
			t.Errorf("%s: named %q", c.path, named)
		}
	}
}

// TestKnownSecretNowhere puts a known secret into every string of the reference, and it is gone from all of them.
func TestKnownSecretNowhere(t *testing.T) {
	const secret = "webhook-shared-secret"
	tree := referenceTree(t)
	eachNode("", tree, func(path string, old any, replace func(any)) {
		text, ok := old.(string)
		if !ok || path == "id" {
			return
		}
		replace(text + secret)
	})
	raw, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Convert(raw, redact.New(secret))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := json.Marshal(o); err != nil || strings.Contains(string(data), secret) {
		t.Errorf("%v %s", err, data)
	}
}

// TestUndocumented: nothing that the reference doesn't document gets through, wherever it is.
func TestUndocumented(t *testing.T) {
	tree := referenceTree(t)
	n := 0
	eachNode("", map[string]any{"": tree}, func(path string, old any, _ func(any)) {
		object, ok := old.(map[string]any)
		free := strings.Contains(path, "content") || strings.Contains(path, "webhookContext")
		if ok && !free {
			object["undocumented"] = fmt.Sprintf("canary-%d", n)
			object["Id"] = fmt.Sprintf("canary-%d", n)
			n++
		}
	})
	raw, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(mustConvert(t, string(raw)))
	if err != nil || n < 20 || strings.Contains(string(data), "canary") {
		t.Errorf("%d objects, %v: %s", n, err, data)
	}
}

func TestHeaders(t *testing.T) {
	many := make([]string, 120)
	for i := range many {
		many[i] = fmt.Sprintf(`"X-%03d":"v"`, i)
	}
	headers := func(s string) *Observation {
		return mustConvert(t, `{"id":"A","params":{"export":{"custom":{"headers":{`+s+`}}}}}`)
	}
	const path = "params.export.custom.headers"
	o := headers(strings.Join(many, ","))
	if got := o.Spec.Params.Export.Custom.Headers; len(got) != 100 || got["X-000"] != redact.Mask || got["X-100"] != "" {
		t.Errorf("%d headers: %v", len(got), got)
	}
	if !slices.Equal(o.Spec.OmittedFields, []string{path}) || len(o.Spec.RedactedFields) != 100 {
		t.Errorf("%q, %d redacted", o.Spec.OmittedFields, len(o.Spec.RedactedFields))
	}
	o = headers(`"a b":"x","` + strings.Repeat("x", 257) + `":"x","AKIAIOSFODNN7EXAMPLE":"x","Empty":"","Null":null,"Number":5`)
	if got := o.Spec.Params.Export.Custom.Headers; len(got) != 1 || !slices.Equal(o.Spec.OmittedFields, []string{path, path + ".Null", path + ".Number"}) {
		t.Errorf("%v, omitted %q", got, o.Spec.OmittedFields)
	}
	if o.Spec.RedactedFields != nil {
		t.Errorf("redacted %q", o.Spec.RedactedFields)
	}
	if o = headers(""); o.Spec.Params.Export.Custom.Headers == nil {
		t.Error("an empty object of headers is lost")
	}
}

// TestSearchIsBounded: what of a task is beyond the bound for the search for credentials is masked whole, and named.
func TestSearchIsBounded(t *testing.T) {
	profiles := strings.TrimSuffix(strings.Repeat(`{"name":"`+strings.Repeat("x ", 8<<10)+`"},`, 70), ",")
	o := mustConvert(t, `{"id":"A","params":{"transcode-file":{"profiles":[`+profiles+`]}},"status":{"errorMessage":"nothing secret"},
		"output":{"upload":{"assetSpec":{"name":"neither","playbackPolicy":{"webhookContext":{"a":"b"}}}}}}`)
	asset := o.Status.Output.Upload.AssetSpec
	if asset.Name != redact.Mask || string(asset.PlaybackPolicy.WebhookContext.Raw) != `"`+redact.Mask+`"` || len(o.Status.RedactedFields) != 3 {
		t.Errorf("%q, %s, named %q", asset.Name, asset.PlaybackPolicy.WebhookContext.Raw, o.Status.RedactedFields)
	}
	if o.Status.ErrorMessage != redact.Mask || !slices.Contains(o.Status.RedactedFields, "errorMessage") {
		t.Errorf("errorMessage is %q, named %q", o.Status.ErrorMessage, o.Status.RedactedFields)
	}
}
