// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// schemaField is a line of the schema: where a field is in the API's task, and of which type.
type schemaField struct {
	path, kind string
	writeOnly  bool
	parent     bool // it has fields of its own
}

// undocumented are fields that Studio sends, in the form of the schema's lines.
const undocumented = `params.upload.thumbnails	boolean
params.upload.catalystPipelineStrategy	string
params.upload.encryption.key	string
params.transcode-file.catalystPipelineStrategy	string
params.transcode-file.outputs.fmp4	object
params.transcode-file.outputs.fmp4.path	string
params.clip.sourceObjectStoreId	string
params.transcode.profile	object
params.transcode.profile.name	string
output.upload.assetSpec.sourceAssetId	string
output.upload.assetSpec.source(oneOf 4)	any
output.upload.assetSpec.source(oneOf 4).inputAssetId	string
output.transcodeFile	object
output.transcodeFile.baseUrl	string
output.transcodeFile.hls	object
output.transcodeFile.hls.path	string
output.transcodeFile.mp4	list
output.transcodeFile.mp4[]	object
output.transcodeFile.mp4[].path	string
output.transcodeFile.request_id	string
output.transcodeFile.input_video	object
output.transcodeFile.input_video.duration	number
output.transcodeFile.input_video.size	number
`

// alike are the places whose fields are those of another.
var alike = map[string][]string{
	"params.upload": {"params.import", "params.transcode"},
	"output.upload": {"output.clip", "output.import", "output.transcode", "output.transcode.asset"},
}

// documented returns the lines of the public schema.
func documented(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/task-schema.tsv")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// parsed returns the fields that these lines name.
func parsed(t testing.TB, lines string) (fields []schemaField) {
	t.Helper()
	for line := range strings.Lines(lines) {
		path, kind, found := strings.Cut(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(path, "#") {
			continue
		}
		if !found {
			t.Fatalf("not a field: %q", line)
		}
		fields = append(fields, schemaField{path: path, kind: kind, writeOnly: strings.Contains(kind, "write only")})
	}
	return fields
}

// schema returns every field that a task can have: those of the public schema, those that Studio sends besides, and both
// once more for the places that look alike.
func schema(t testing.TB) []schemaField {
	t.Helper()
	var fields []schemaField
	for _, f := range parsed(t, documented(t)+undocumented) {
		fields = append(fields, f)
		for place, others := range alike {
			if below(f.path, place) {
				for _, other := range others {
					fields = append(fields, schemaField{path: other + strings.TrimPrefix(f.path, place), kind: f.kind, writeOnly: f.writeOnly})
				}
			}
		}
	}
	for i := range fields {
		fields[i].parent = slices.ContainsFunc(fields, func(f schemaField) bool {
			return f.path != fields[i].path && below(f.path, fields[i].path)
		})
	}
	return fields
}

var alternative = regexp.MustCompile(`\(oneOf \d\)`)

// places returns where a field is in the API's task: in the object of a list, the list has one entry.
func (f *schemaField) places() (path string, steps []string) {
	path = alternative.ReplaceAllString(f.path, "")
	return strings.ReplaceAll(path, "[]", "[0]"), strings.Split(strings.ReplaceAll(path, "[]", ".[]"), ".")
}

// task returns a task that has nothing but this value.
func (f *schemaField) task(t testing.TB, value any) string {
	t.Helper()
	_, steps := f.places()
	for _, step := range slices.Backward(steps) {
		if step == "[]" {
			value = []any{value}
		} else {
			value = map[string]any{step: value}
		}
	}
	task := value.(map[string]any)
	if _, ok := task["id"]; !ok {
		task["id"] = "A"
	}
	raw, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// sample returns a value of the field's type that nothing else has, and the leaves that are mirrored of it.
func (f *schemaField) sample(n int) (value any, leaves map[string]string) {
	path, _ := f.places()
	switch kind, _, _ := strings.Cut(f.kind, " "); {
	case strings.HasSuffix(path, "headers"):
		return map[string]any{fmt.Sprintf("X-Name-%d", n): "value"}, map[string]string{fmt.Sprintf(".X-Name-%d", n): redact.Mask}
	case strings.HasSuffix(path, "hash"):
		return []any{map[string]any{"hash": fmt.Sprint("h", n), "algorithm": "md5"}},
			map[string]string{"[0].hash": fmt.Sprint("h", n), "[0].algorithm": "md5"}
	case kind == "list":
		return []any{}, map[string]string{"": "[]"}
	case f.parent:
		return map[string]any{}, map[string]string{"": "{}"}
	case strings.HasPrefix(kind, "object"): // of free form
		return map[string]any{"name": fmt.Sprint("n", n), "k": []any{n, nil}},
			map[string]string{".name": fmt.Sprint("n", n), ".k[0]": fmt.Sprint(n), ".k[1]": "<nil>"}
	case kind == "boolean":
		return n%2 == 0, map[string]string{"": strconv.FormatBool(n%2 == 0)}
	case kind == "integer":
		return n, map[string]string{"": fmt.Sprint(n)}
	case path == "status.progress":
		return 0.25, nil
	case kind == "number":
		return float64(n) + 0.25, map[string]string{"": fmt.Sprint(float64(n) + 0.25)}
	case strings.HasSuffix(path, "creatorId"): // as text
		return fmt.Sprint("c", n), map[string]string{".value": fmt.Sprint("c", n)}
	case strings.HasSuffix(strings.ToLower(path), "url"):
		text := fmt.Sprintf("https://example.com/%d", n)
		return text, map[string]string{"": text}
	default:
		return fmt.Sprint("v", n), map[string]string{"": fmt.Sprint("v", n)}
	}
}

// rounded are the numbers of which a whole one is kept, with what becomes of n and a quarter.
func rounded(path string, n int) (string, bool) {
	switch {
	case path == "createdAt" || path == "scheduledAt" || path == "status.updatedAt":
		return fmt.Sprintf("1970-01-01T00:00:00.%03d000Z", n), true
	case path == "status.progress":
		return "25", true
	case strings.HasSuffix(path, "At"), path == "status.retries":
		return fmt.Sprint(n), true
	}
	return "", false
}

// crd is what the API server makes of the CRD's schema.
type crd struct{ schema *structuralschema.Structural }

func crdOf(t testing.TB) crd {
	t.Helper()
	raw, err := os.ReadFile("../../config/crd/bases/studio.livepeer.org_livepeertasks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var definition v1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(raw, &definition); err != nil {
		t.Fatal(err)
	}
	var internal apiextensions.JSONSchemaProps
	if err := v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, &internal, nil); err != nil {
		t.Fatal(err)
	}
	schema, err := structuralschema.NewStructural(&internal)
	if err != nil {
		t.Fatal(err)
	}
	return crd{schema}
}

// pruned returns the fields of an observation that the API server would not keep.
func (c crd) pruned(t testing.TB, o *Observation) []string {
	t.Helper()
	raw, err := json.Marshal(&v1alpha1.LivepeerTask{Spec: o.Spec, Status: o.Status})
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	return pruning.PruneWithOptions(object, c.schema, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
}

// TestSchema: each field that Studio documents or sends has its place: its value is mirrored, or masked and named. What is
// documented as never answered may be left out, but is named. The CRD has each field as well.
func TestSchema(t *testing.T) {
	fields := schema(t)
	if len(fields) < 180 {
		t.Fatalf("only %d fields", len(fields))
	}
	stored := crdOf(t)
	for i, f := range fields {
		n := i + 100
		value, want := f.sample(n)
		o := mustConvert(t, f.task(t, value))
		path, _ := f.places()
		if text, ok := rounded(path, n); ok {
			want = map[string]string{"": text}
		}
		section, inner := mirroredPath(path)
		if inner == "" { // the status has no field of its own
			continue
		}
		if o.Spec.UnknownFields+o.Status.UnknownFields > 0 {
			t.Errorf("%s: nothing in api/v1alpha1 that internal/decode/layout.go can fill has this name; of a type with a dash, add it to "+
				"wireNames there, and of a field of the task itself to fields.go here (CONTRIBUTING.md, Where something new goes)", f.path)
			continue
		}
		got := leaves(t, map[string]any{"spec": o.Spec, "status": o.Status})
		masked := slices.Concat(o.Spec.RedactedFields, o.Status.RedactedFields)
		omitted := slices.Concat(o.Spec.OmittedFields, o.Status.OmittedFields)
		if f.writeOnly && slices.Equal(omitted, []string{inner}) {
			continue
		}
		for tail, text := range want {
			shown := got[section+"."+inner+tail]
			if shown != text && (shown != redact.Mask || !slices.Equal(masked, []string{inner + tail})) {
				t.Errorf("%s%s = %q, want %q; masked %q", f.path, tail, shown, text, masked)
			}
		}
		if pruned := stored.pruned(t, o); len(pruned) > 0 {
			t.Errorf("%s: the CRD lacks %q: run make generate manifests", f.path, pruned)
		}
		if len(omitted) > 0 {
			t.Errorf("%s: omitted %q", f.path, omitted)
		}
	}
}

// TestSchemaOfOddTypes: a value of another type is named, whichever field it is.
func TestSchemaOfOddTypes(t *testing.T) {
	for _, f := range schema(t) {
		path, _ := f.places()
		_, inner := mirroredPath(path)
		free := strings.HasSuffix(path, "content") || strings.HasSuffix(path, "webhookContext") || strings.HasSuffix(path, "nftMetadata") && !f.parent
		if free || path == "id" || path == "status" {
			continue
		}
		var odd any = []any{[]any{}}
		if f.kind == "list" || strings.HasPrefix(f.kind, "array") {
			odd = map[string]any{"x": true}
		}
		for _, odd := range []any{odd, json.Number("1e400")} {
			o := mustConvert(t, f.task(t, odd))
			if omitted := slices.Concat(o.Spec.OmittedFields, o.Status.OmittedFields); !slices.Equal(omitted, []string{inner}) {
				t.Errorf("%s = %v: omitted %q", f.path, odd, omitted)
			}
		}
	}
}

// TestUnknownIsCounted: in each object whose fields are documented, what is not known is counted, whatever it is, and neither
// its name nor its value is anywhere.
func TestUnknownIsCounted(t *testing.T) {
	objects := 0
	for _, f := range schema(t) {
		path, _ := f.places()
		if !f.parent || f.kind == "list" {
			continue
		}
		objects++
		o := mustConvert(t, f.task(t, map[string]any{"sEcReT": map[string]any{"sEcReT": "sEcReT"}, "sEcReT2": nil}))
		section, _ := mirroredPath(path)
		want := [2]int64{2, 0}
		if section == "status" {
			want = [2]int64{0, 2}
		}
		if got := [2]int64{o.Spec.UnknownFields, o.Status.UnknownFields}; got != want {
			t.Errorf("%s: %d, want %d", f.path, got, want)
		}
		if all := fmt.Sprint(leaves(t, o)); strings.Contains(all, "sEcReT") {
			t.Errorf("%s: %s", f.path, all)
		}
	}
	if objects < 50 {
		t.Errorf("only %d objects", objects)
	}
	for raw, want := range map[string][2]int64{
		`{"id":"A","new":1,"type":"upload"}`:                                                 {1, 0},
		`{"id":"A","params":{"future-type":{"a":1,"b":2}},"output":{"future-type":{"a":1}}}`: {1, 1},
		`{"id":"A","params":{"upload":{"x":1,"profiles":[{"y":1},{"z":1}]}}}`:                {3, 0},
		`{"id":"A","params":{"exportData":{"content":{"free":"form"}}}}`:                     {0, 0},
		`{"id":"A","deleted":true,"status":{"phase":"running","x":1}}`:                       {0, 1},
	} {
		if o := mustConvert(t, raw); [2]int64{o.Spec.UnknownFields, o.Status.UnknownFields} != want {
			t.Errorf("%s: %d, %d, want %d", raw, o.Spec.UnknownFields, o.Status.UnknownFields, want)
		}
	}
	if o := mustConvert(t, string(referenceTask(t))); o.Spec.UnknownFields+o.Status.UnknownFields != 0 {
		t.Errorf("the reference has %d and %d", o.Spec.UnknownFields, o.Status.UnknownFields)
	}
}

// TestKnownIsNamed: what Studio is known to send and is not mirrored is named, and not counted.
func TestKnownIsNamed(t *testing.T) {
	for _, path := range []string{
		"userId", "name", "sourceReadyAt", "parentAssetId", "updatedAt", "status.step",
		"params.upload.uploadedObjectKey", "params.import.uploadedObjectKey", "params.transcode.uploadedObjectKey",
		"params.upload.recordedSessionId", "output.upload.videoFilePath", "output.clip.metadataFilePath",
		"output.transcode.asset.videoFilePath", "output.transcode.metadataFilePath", "output.transcodeFile.requestId",
		"output.export.internal", "output.upload.assetSpec.files", "output.clip.assetSpec.objectStoreId",
		"output.import.assetSpec.playbackRecordingId", "output.upload.assetSpec.staticMp4", "output.upload.assetSpec.deleted",
		"output.upload.assetSpec.playbackPolicy.resourceId",
	} {
		f := schemaField{path: path}
		for _, value := range []any{"sEcReT", map[string]any{"sEcReT": "sEcReT"}} {
			o := mustConvert(t, f.task(t, value))
			_, inner := mirroredPath(path)
			if omitted := slices.Concat(o.Spec.OmittedFields, o.Status.OmittedFields); !slices.Equal(omitted, []string{inner}) {
				t.Errorf("%s: omitted %q", path, omitted)
			}
			if all := fmt.Sprint(leaves(t, o)); strings.Contains(all, "sEcReT") || o.Spec.UnknownFields+o.Status.UnknownFields > 0 {
				t.Errorf("%s: %s", path, all)
			}
		}
		if o := mustConvert(t, f.task(t, nil)); o.Spec.OmittedFields != nil || o.Status.OmittedFields != nil {
			t.Errorf("%s = null: omitted %q %q", path, o.Spec.OmittedFields, o.Status.OmittedFields)
		}
	}
}
