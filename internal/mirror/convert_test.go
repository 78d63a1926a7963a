// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/livepeer/livepeer-task-operator/internal/decode"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

const testdata = "../studio/livepeertest/testdata/"

func referenceTask(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(testdata + "reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var tasks []json.RawMessage
	if err := json.Unmarshal(data, &tasks); err != nil || len(tasks) != 1 {
		t.Fatalf("%d tasks, %v", len(tasks), err)
	}
	return tasks[0]
}

func mustConvert(t testing.TB, raw string) *Observation {
	t.Helper()
	o, err := Convert([]byte(raw), redact.New())
	if err != nil {
		t.Fatalf("Convert(%.200s): %v", raw, err)
	}
	return o
}

// leaves returns every leaf of a section of the result (or of any JSON value) by its path; {} and [] are leaves too.
func leaves(t testing.TB, section any) map[string]string {
	t.Helper()
	data, err := json.Marshal(section)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := decode.Tree(data)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, item := range v {
				walk(strings.TrimPrefix(path+"."+key, "."), item)
			}
			if len(v) == 0 {
				found[path] = "{}"
			}
		case []any:
			for i, item := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), item)
			}
			if len(v) == 0 {
				found[path] = "[]"
			}
		default:
			found[path] = fmt.Sprint(v)
		}
	}
	walk("", tree)
	return found
}

// dashed is where the parameters of a type with a dash in its name are, as of transcode-file: ours have it in camel case.
var dashed = regexp.MustCompile(`^params\.[a-z]+(-[a-z]+)+`)

func camelCase(path string) string {
	words := strings.Split(path, "-")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// mirroredPath returns the section of the object, and the path in it, where a path of the API's task is mirrored.
func mirroredPath(path string) (section, inner string) {
	path = dashed.ReplaceAllStringFunc(path, camelCase)
	switch first, rest, _ := strings.Cut(path, "."); first {
	case "status":
		return "status", rest
	case "output", "createdAt", "scheduledAt":
		return "status", path
	default:
		return "spec", path
	}
}

// TestReference: everything that the reference page documents is on the object, save what is masked, which is named.
func TestReference(t *testing.T) {
	raw := referenceTask(t)
	o := mustConvert(t, string(raw))
	got := map[string]map[string]string{"spec": leaves(t, o.Spec), "status": leaves(t, o.Status)}
	different := map[string]string{ // path in the API: as it is mirrored
		"params.transcode-file.storage.url": "s3+https://***:***@s3Endpoint/bucket",
		"params.export.custom.url": "https://s3.amazonaws.com/my-bucket/path/filename.mp4" +
			"?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=[redacted]",
		"createdAt": "2020-04-23T18:39:34.725000Z", "scheduledAt": "2020-04-23T18:39:34.725000Z",
		"status.updatedAt": "2020-04-23T18:39:34.725000Z", "status.progress": "50",
	}
	for path, want := range leaves(t, json.RawMessage(raw)) {
		if other, ok := different[path]; ok {
			want = other
		}
		section, inner := mirroredPath(path)
		if value, ok := got[section][inner]; !ok || value != want {
			t.Errorf("%s: %s.%s is %q (%v), want %q", path, section, inner, value, ok, want)
		}
		delete(got[section], inner)
	}
	for _, section := range []string{"spec", "status"} {
		for _, path := range slices.Sorted(maps.Keys(got[section])) {
			if !bookkeeping(path) {
				t.Errorf("%s.%s = %q is not in the reference", section, path, got[section][path])
			}
		}
	}
	if diff := cmp.Diff([]string{"params.export.custom.url", "params.transcodeFile.storage.url"}, o.Spec.RedactedFields); diff != "" {
		t.Error(diff)
	}
	if o.Status.RedactedFields != nil || o.Spec.OmittedFields != nil || o.Status.OmittedFields != nil {
		t.Errorf("unexpected: %q %q %q", o.Status.RedactedFields, o.Spec.OmittedFields, o.Status.OmittedFields)
	}
}

// TestRecordings: what the server software really sends converts without any loss that was not decided.
func TestRecordings(t *testing.T) {
	data, err := os.ReadFile(testdata + "recordings/02-list-limit1000.http")
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := bytes.Cut(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	var tasks []json.RawMessage
	if err := json.Unmarshal(body, &tasks); !found || err != nil || len(tasks) < 40 {
		t.Fatalf("%d tasks, %v", len(tasks), err)
	}
	omitted, unknown := map[string]int{}, int64(0)
	for _, task := range tasks {
		o := mustConvert(t, string(task))
		if o.ID != o.Spec.ID || o.Spec.Type == "" || o.Status.CreatedAt == nil || o.Deleted {
			t.Errorf("%s became %+v", task, o)
		}
		for _, path := range slices.Concat(o.Spec.OmittedFields, o.Status.OmittedFields) {
			omitted[path]++
		}
		unknown += o.Spec.UnknownFields + o.Status.UnknownFields
		if strings.HasPrefix(o.Spec.Type, "future") != (o.Spec.UnknownFields > 0) {
			t.Errorf("%s of type %s: %d unknown fields", o.ID, o.Spec.Type, o.Spec.UnknownFields)
		}
	}
	want := []string{
		"name", "output.clip.assetSpec.files", "output.clip.assetSpec.objectStoreId", "output.clip.assetSpec.playbackRecordingId",
		"output.clip.metadataFilePath", "output.clip.videoFilePath", "output.transcodeFile.requestId", "userId",
	}
	if got := slices.Sorted(maps.Keys(omitted)); !slices.Equal(got, want) || omitted["userId"] != len(tasks) || unknown != 1 {
		t.Errorf("omitted %q, unknown %d", got, unknown)
	}
}

func TestBadTask(t *testing.T) {
	for _, raw := range []string{"", "null", "[]", `"x"`, "{}", `{"id":null}`, `{"id":""}`, `{"id":5}`, `{"ID":"x"}`, `{"id":"x"`,
		`{"id":"x"}}`, `{"id":"` + strings.Repeat("x", 1025) + `"}`} {
		o, err := Convert([]byte(raw), nil)
		var bad *BadTaskError
		if o != nil || !errors.As(err, &bad) {
			t.Errorf("Convert(%.30q) = %v, %v", raw, o, err)
		}
	}
}

func TestConvertSmallThings(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		want map[string]string // path: value, "" if absent
	}{
		"nothing but an id": {`{"id":"A"}`, map[string]string{"spec.id": "A", "spec.params": "", "status.output": "",
			"status.phase": "", "status.progress": ""}},
		"null is nothing":          {`{"id":"A","type":null,"params":null,"status":null,"createdAt":null}`, map[string]string{"spec.type": "", "spec.params": ""}},
		"empty objects stay":       {`{"id":"A","params":{},"output":{"clip":{"assetSpec":{"profiles":[]}}}}`, map[string]string{"spec.params": "{}", "status.output.clip.assetSpec.profiles": "[]"}},
		"zero and false stay":      {`{"id":"A","params":{"upload":{"c2pa":false,"profiles":[{"fps":0}]}}}`, map[string]string{"spec.params.upload.c2pa": "false", "spec.params.upload.profiles[0].fps": "0"}},
		"both names":               {`{"id":"A","params":{"transcodeFile":{"c2pa":true}}}`, map[string]string{"spec.params.transcodeFile.c2pa": "true"}},
		"the API's name wins":      {`{"id":"A","params":{"transcodeFile":{"c2pa":true},"transcode-file":{"c2pa":false}}}`, map[string]string{"spec.params.transcodeFile.c2pa": "false"}},
		"last key wins":            {`{"id":"A","type":"x","type":"y"}`, map[string]string{"spec.type": "y"}},
		"case matters":             {`{"id":"A","Type":"x","params":{"Upload":{}}}`, map[string]string{"spec.type": "", "spec.params": "{}"}},
		"creator as text":          {`{"id":"A","output":{"upload":{"assetSpec":{"creatorId":"me"}}}}`, map[string]string{"status.output.upload.assetSpec.creatorId.value": "me"}},
		"paths as texts":           {`{"id":"A","output":{"transcodeFile":{"hls":"/h/index.m3u8","mp4":["/a.mp4",{"path":"/b.mp4"}]}}}`, map[string]string{"status.output.transcodeFile.hls.path": "/h/index.m3u8", "status.output.transcodeFile.mp4[0].path": "/a.mp4", "status.output.transcodeFile.mp4[1].path": "/b.mp4", "status.omittedFields[0]": ""}},
		"integral floats":          {`{"id":"A","params":{"upload":{"profiles":[{"bitrate":3e6,"width":1280.0,"gop":2.0}]}}}`, map[string]string{"spec.params.upload.profiles[0].bitrate": "3000000", "spec.params.upload.profiles[0].width": "1280", "spec.params.upload.profiles[0].gop": "2"}},
		"gop":                      {`{"id":"A","params":{"upload":{"profiles":[{"gop":2.5},{"gop":"intra"},{"gop":99999999999}]}}}`, map[string]string{"spec.params.upload.profiles[0].gop": "2.5", "spec.params.upload.profiles[1].gop": "intra", "spec.params.upload.profiles[2].gop": "99999999999"}},
		"fractions and overflow":   {`{"id":"A","params":{"upload":{"targetSegmentSizeSecs":1e999,"profiles":[{"width":1.5,"height":1e30}]}}}`, map[string]string{"spec.omittedFields[0]": "params.upload.profiles[0].height", "spec.omittedFields[1]": "params.upload.profiles[0].width", "spec.omittedFields[2]": "params.upload.targetSegmentSizeSecs", "spec.omittedFields[3]": ""}},
		"a gop of many digits":     {`{"id":"A","params":{"upload":{"profiles":[{"gop":0.` + strings.Repeat("1", 70) + `}]}}}`, map[string]string{"spec.omittedFields[0]": "params.upload.profiles[0].gop"}},
		"keys with spaces":         {`{"id":"A","params":{"exportData":{"content":{"a\u0001":1,"a ":2}}}}`, map[string]string{"spec.params.exportData.content.a ": "2"}},
		"masked once it is shown":  {`{"id":"A","params":{"exportData":{"content":{"a":"the password\u0001is\u0001vX9kqT2m"}}}}`, map[string]string{"spec.params.exportData.content.a": "the password is [redacted]", "spec.redactedFields[0]": "params.exportData.content.a"}},
		"path of an odd key":       {`{"id":"A","params":{"exportData":{"content":{"pass\u001bword":"x"}}}}`, map[string]string{"spec.redactedFields[0]": "params.exportData.content.pass word"}},
		"too many retries":         {`{"id":"A","status":{"retries":1e30}}`, map[string]string{"status.retries": "", "status.omittedFields[0]": "retries"}},
		"times":                    {`{"id":"A","createdAt":0,"scheduledAt":-1,"status":{"updatedAt":1e15}}`, map[string]string{"status.createdAt": "1970-01-01T00:00:00.000000Z", "status.scheduledAt": "", "status.omittedFields[0]": "scheduledAt", "status.omittedFields[1]": "updatedAt", "status.omittedFields[2]": ""}},
		"completed is 100 percent": {`{"id":"A","status":{"phase":"completed"}}`, map[string]string{"status.progress": "100"}},
		"deleted, of odd type":     {`{"id":"A","deleted":"true"}`, map[string]string{"spec.omittedFields[0]": "deleted", "spec.omittedFields[1]": ""}},
		"status of odd type":       {`{"id":"A","status":"x"}`, map[string]string{"status.phase": "", "status.omittedFields[0]": "phase"}},
		"bad UTF-8":                {"{\"id\":\"A\xff\",\"type\":\"\xc3\"}", map[string]string{"spec.id": "A\ufffd", "spec.type": "\ufffd"}},
		"id stays verbatim":        {`{"id":"password=x https://u:p@h/","type":"password=x"}`, map[string]string{"spec.id": "password=x https://u:p@h/", "spec.type": "password=[redacted]", "spec.redactedFields[0]": "type", "spec.redactedFields[1]": ""}},
		"control characters":       {`{"id":"A","status":{"errorMessage":"a\u0000b\n\tc\r"}}`, map[string]string{"status.errorMessage": "a b\n\tc "}},
		"not ours to take":         {`{"id":"A","redactedFields":["x"],"status":{"observedGeneration":3,"output":{},"createdAt":5,"omittedFields":["y"]}}`, map[string]string{"spec.redactedFields[0]": "", "status.observedGeneration": "", "status.output": "", "status.createdAt": "", "status.omittedFields[0]": ""}},
		"entries of odd type":      {`{"id":"A","output":{"transcodeFile":{"mp4":[null,5,{"path":"/a"}]}}}`, map[string]string{"status.output.transcodeFile.mp4[0].path": "/a", "status.omittedFields[0]": "output.transcodeFile.mp4[0]", "status.omittedFields[1]": "output.transcodeFile.mp4[1]", "status.omittedFields[2]": ""}},
		"null among texts":         {`{"id":"A","output":{"upload":{"assetSpec":{"playbackPolicy":{"allowedOrigins":["a",null,"b"]}}}}}`, map[string]string{"status.output.upload.assetSpec.playbackPolicy.allowedOrigins[1]": "b", "status.omittedFields[0]": "output.upload.assetSpec.playbackPolicy.allowedOrigins[1]"}},
		"fractions of numbers":     {`{"id":"A","params":{"clip":{"clipStrategy":{"startTime":1698006436010.25,"endTime":0}}},"output":{"upload":{"assetSpec":{"size":10.5,"createdAt":1698006436010.5,"videoSpec":{"tracks":[{"width":1920.5,"sampleRate":44100.1}]}}}}}`, map[string]string{"spec.params.clip.clipStrategy.startTime": "1698006436010.25", "spec.params.clip.clipStrategy.endTime": "0", "status.output.upload.assetSpec.size": "10.5", "status.output.upload.assetSpec.createdAt": "1698006436011", "status.output.upload.assetSpec.videoSpec.tracks[0].width": "1920.5", "status.output.upload.assetSpec.videoSpec.tracks[0].sampleRate": "44100.1"}},
		"fractions of times":       {`{"id":"A","createdAt":1587667174725.25,"scheduledAt":-0.25,"status":{"updatedAt":1587667174725.5,"retries":1.75}}`, map[string]string{"status.createdAt": "2020-04-23T18:39:34.725000Z", "status.scheduledAt": "1970-01-01T00:00:00.000000Z", "status.updatedAt": "2020-04-23T18:39:34.726000Z", "status.retries": "2", "status.omittedFields[0]": ""}},
		"keys that become one":     {`{"id":"A","params":{"exportData":{"content":{"a":[{"k\u200b":1,"\ufeffk":2,"k":3}]}}}}`, map[string]string{"spec.params.exportData.content.a[0].k": "3", "spec.omittedFields[0]": "params.exportData.content", "spec.omittedFields[1]": ""}},
		"keys masked alike":        {`{"id":"A","params":{"exportData":{"content":{"a":[{"password=hunter22":1,"password=hunter33":2}]}}}}`, map[string]string{"spec.params.exportData.content.a[0].password=[redacted]": "2", "spec.omittedFields[0]": "params.exportData.content", "spec.redactedFields[0]": "params.exportData.content.a[0].password=[redacted]"}},
		"values masked whole":      {`{"id":"A","params":{"exportData":{"content":{"password":{"a":1,"b":2},"n":{"apiKey":["x","y"]}}}}}`, map[string]string{"spec.params.exportData.content.password": "[redacted]", "spec.params.exportData.content.n.apiKey": "[redacted]", "spec.omittedFields[0]": ""}},
		"neither of them as it is": {`{"id":"A","params":{"exportData":{"content":{"k\u200b":1,"\ufeffk":2}}}}`, map[string]string{"spec.params.exportData.content.k": "1", "spec.omittedFields[0]": "params.exportData.content"}},
		"what a terminal obeys":    {`{"id":"A","type":"a\u009bb\u202ec\u200bd","params":{"upload":{"url":"https://h/a\u2028b\ufeff"},"exportData":{"content":{"k\u200b":"v\u001b\u2066w","l":[0,"\u0085"]}},"export":{"custom":{"method":"P\u007fT"}}},"status":{"errorMessage":"a\u009b1mb\u202ec\u200dd\u2029e"}}`, map[string]string{"spec.type": "a b cd", "spec.params.upload.url": "https://h/a b", "spec.params.exportData.content.k": "v  w", "spec.omittedFields[0]": "", "spec.params.export.custom.method": "P T", "status.errorMessage": "a 1mb cd e"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := mustConvert(t, c.raw)
			got := leaves(t, map[string]any{"spec": o.Spec, "status": o.Status})
			for path, want := range c.want {
				if got[path] != want {
					t.Errorf("%s = %q, want %q", path, got[path], want)
				}
			}
		})
	}
	if o := mustConvert(t, `{"id":"A","deleted":true}`); !o.Deleted {
		t.Error("a deleted task is not seen as deleted")
	}
}

func TestConvertIsDeterministic(t *testing.T) {
	raw := string(referenceTask(t))
	first := mustConvert(t, raw)
	for range 20 {
		if again := mustConvert(t, raw); !reflect.DeepEqual(again, first) {
			t.Fatal(cmp.Diff(first, again))
		}
	}
}

func BenchmarkConvert(b *testing.B) {
	var raw bytes.Buffer
	if err := json.Compact(&raw, referenceTask(b)); err != nil {
		b.Fatal(err)
	}
	r := redact.New("a-long-api-key-of-somebody", "webhook-secret")
	b.SetBytes(int64(raw.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Convert(raw.Bytes(), r); err != nil {
			b.Fatal(err)
		}
	}
}
