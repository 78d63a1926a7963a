// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/decode"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// eachNode calls visit for every node below root, with a function that replaces its value. Lists have one entry each
// in the reference, so that a path names one node.
func eachNode(path string, v any, visit func(path string, old any, replace func(any))) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			inner := strings.TrimPrefix(path+"."+key, ".")
			old := v[key]
			visit(inner, old, func(n any) { v[key] = n })
			eachNode(inner, old, visit)
		}
	case []any:
		for i := range v {
			inner := fmt.Sprintf("%s[%d]", path, i)
			old := v[i]
			visit(inner, old, func(n any) { v[i] = n })
			eachNode(inner, old, visit)
		}
	}
}

func referenceTree(t testing.TB) any {
	t.Helper()
	tree, err := decode.Tree(referenceTask(t))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// below reports whether path is at or below parent.
func below(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+".") || strings.HasPrefix(path, parent+"[")
}

// TestOddTypes puts a value of every kind in the place of every node of the reference: at most that node is lost.
func TestOddTypes(t *testing.T) {
	tree := referenceTree(t)
	original := mustConvert(t, string(referenceTask(t)))
	want := map[string]map[string]string{"spec": leaves(t, original.Spec), "status": leaves(t, original.Status)}
	odd := []any{nil, json.Number("-1.5e300"), "odd", true, []any{"x", nil}, map[string]any{}}
	eachNode("", tree, func(path string, old any, replace func(any)) {
		if path == "id" {
			return
		}
		section, inner := mirroredPath(path)
		for _, v := range odd {
			replace(v)
			raw, err := json.Marshal(tree)
			if err != nil {
				t.Fatal(err)
			}
			o, err := Convert(raw, nil)
			if err != nil {
				t.Fatalf("%s = %v: %v", path, v, err)
			}
			got := map[string]map[string]string{"spec": leaves(t, o.Spec), "status": leaves(t, o.Status)}
			for s := range want {
				for p, value := range want[s] {
					lost := s == section && (below(p, inner) || inner == "") || path == "status" && s == "status"
					if !lost && !bookkeeping(p) && got[s][p] != value {
						t.Errorf("%s = %v: %s.%s became %q", path, v, s, p, got[s][p])
					}
				}
			}
		}
		replace(old)
	})
}

// bookkeeping reports whether a path is derived from other fields.
func bookkeeping(path string) bool {
	for _, field := range []string{"redactedFields", "omittedFields", "conditions", "displayName", "unknownFields"} {
		if below(path, field) {
			return true
		}
	}
	return false
}

// TestOddTypeIsNamed: what is lost for its type is named, and nothing else is.
func TestOddTypeIsNamed(t *testing.T) {
	tree := referenceTree(t)
	eachNode("", tree, func(path string, old any, replace func(any)) {
		var wrong any = []any{[]any{}}
		if _, ok := old.([]any); ok {
			wrong = map[string]any{"x": true}
		}
		free := slices.ContainsFunc([]string{"content", "$ref", "webhookContext"}, func(s string) bool { return strings.Contains(path, s) })
		if path == "id" || path == "status" || free {
			return
		}
		replace(wrong)
		raw, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		replace(old)
		o := mustConvert(t, string(raw))
		_, inner := mirroredPath(path)
		if omitted := slices.Concat(o.Spec.OmittedFields, o.Status.OmittedFields); !slices.Equal(omitted, []string{inner}) {
			t.Errorf("%s = %v: omitted %q", path, wrong, omitted)
		}
	})
}

// TestWhatIsNotWholeIsNamed: of a number, and of a member that is there by both of its names.
func TestWhatIsNotWholeIsNamed(t *testing.T) {
	const uint256 = "115792089237316195423570985008687907853269984665640564039457584007913129639935"
	content := func(s string) string { return `{"exportData":{"content":` + s + `}}` }
	for params, want := range map[string]string{
		content(`{"tokenId":` + uint256 + `}`):                              "params.exportData.content",
		content(`[[1.234567890123456789]]`):                                 "params.exportData.content",
		content(`1e-400`):                                                   "params.exportData.content",
		content(`[9223372036854775807,1e21,-0.0,1.50,12300e-2,0.1,5e-324]`): "",
		content(`[12345678901234567000,1.7976931348623157e308]`):            "",
		`{"transcode-file":{"c2pa":true},"transcodeFile":{"c2pa":false}}`:   "params.transcodeFile",
		`{"transcode-file":null,"transcodeFile":{"c2pa":false}}`:            "",
	} {
		o := mustConvert(t, `{"id":"A","params":`+params+`}`)
		if omitted := strings.Join(o.Spec.OmittedFields, " "); omitted != want || o.Spec.Params == nil {
			t.Errorf("%s: omitted %q", params, omitted)
		}
	}
}

func TestDeepAndLarge(t *testing.T) {
	content := func(s string) string {
		return `{"id":"A","type":"export-data","params":{"exportData":{"content":` + s + `}}}`
	}
	for name, c := range map[string]struct {
		content string
		omitted bool
	}{
		"32 levels":     {strings.Repeat("[", 32) + strings.Repeat("]", 32), false},
		"33 levels":     {strings.Repeat("[", 33) + strings.Repeat("]", 33), true},
		"300 levels":    {strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300), true},
		"nearly 64 KiB": {`"` + strings.Repeat("x", 64<<10-2) + `"`, false},
		"64 KiB":        {`"` + strings.Repeat("x", 64<<10-1) + `"`, true},
		"once escaped":  {`"` + strings.Repeat(`\"`, 40<<10) + `"`, true},
		"2 MB":          {`{"data":"` + strings.Repeat("token=x ", 250_000) + `"}`, true},
		"many":          {"[" + strings.Repeat("1,", 1_000_000) + "1]", true},
		"huge number":   {`{"a":1e400}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := mustConvert(t, content(c.content))
			if got := o.Spec.Params.ExportData.Content == nil; got != c.omitted {
				t.Errorf("omitted: %v", got)
			}
			if got := slices.Equal(o.Spec.OmittedFields, []string{"params.exportData.content"}); got != c.omitted {
				t.Errorf("omittedFields: %q", o.Spec.OmittedFields)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	long := strings.Repeat("x", 16<<10+1)
	many := `[` + strings.TrimSuffix(strings.Repeat(`"a",`, 201), ",") + `]`
	o := mustConvert(t, `{"id":"A","type":"`+long+`","output":{"upload":{"assetSpec":{"name":"`+long[1:]+`","playbackPolicy":{"allowedOrigins":`+many+
		`}}}},"status":{"errorMessage":"`+strings.Repeat("é ", 3000)+`"}}`)
	asset := o.Status.Output.Upload.AssetSpec
	if o.Spec.Type != "" || !slices.Equal(o.Spec.OmittedFields, []string{"type"}) {
		t.Errorf("a long string: %.20q, %q", o.Spec.Type, o.Spec.OmittedFields)
	}
	if len(asset.Name) != 16<<10 || len(asset.PlaybackPolicy.AllowedOrigins) != 200 {
		t.Errorf("%d bytes, %d origins", len(asset.Name), len(asset.PlaybackPolicy.AllowedOrigins))
	}
	if m := o.Status.ErrorMessage; len(m) > 4<<10 || len(m) < 4<<10-4 || !strings.HasSuffix(m, "é…") && !strings.HasSuffix(m, " …") {
		t.Errorf("%d bytes of error message, ending in %q", len(m), m[len(m)-8:])
	}
	want := []string{"errorMessage", "output.upload.assetSpec.playbackPolicy.allowedOrigins"}
	if !slices.Equal(o.Status.OmittedFields, want) {
		t.Errorf("omitted %q", o.Status.OmittedFields)
	}
}

// TestWordsAreBounded: a type, a phase or the ID of an asset that no column has room for is left out: one such task would make the tables
// of all others wide, and each is kept in memory.
func TestWordsAreBounded(t *testing.T) {
	for _, field := range []string{"type", "inputAssetId", "outputAssetId", "projectId", "requesterId", "status.phase"} {
		f := schemaField{path: field}
		section, inner := mirroredPath(field)
		for length, kept := range map[int]bool{256: true, 257: false} {
			o := mustConvert(t, f.task(t, strings.Repeat("x", length)))
			shown := leaves(t, map[string]any{"spec": o.Spec, "status": o.Status})[section+"."+inner]
			named := slices.Equal(slices.Concat(o.Spec.OmittedFields, o.Status.OmittedFields), []string{inner})
			if (len(shown) == length) != kept || named == kept {
				t.Errorf("%s of %d bytes: %d shown, named: %v", field, length, len(shown), named)
			}
		}
	}
}

// TestCutMessageHidesSecrets: a secret across the place where a message is cut is masked, or cut off.
func TestCutMessageHidesSecrets(t *testing.T) {
	const (
		secret          = "Kn0wnS3cr3tValue"
		maxSearched     = 64 << 10 // bytes of a message that are looked at
		maxErrorMessage = 4 << 10  // and that are shown
	)
	pem := "-----BEGIN PRIVATE KEY-----" + strings.Repeat("x", maxSearched-100) + "-----END PRIVATE KEY-----" // becomes short
	for name, before := range map[string]string{
		"shown":    strings.Repeat("x ", maxErrorMessage/2-20),
		"searched": pem + strings.Repeat("x ", 14),
	} {
		for shift := range 60 {
			message := before + strings.Repeat("y", shift) + " " + secret + strings.Repeat(" x", maxErrorMessage)
			o, err := Convert([]byte(`{"id":"A","status":{"errorMessage":"`+message+`"}}`), redact.New(secret))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(o.Status.ErrorMessage, secret[:3]) || !strings.HasSuffix(o.Status.ErrorMessage, "…") ||
				!slices.Equal(o.Status.OmittedFields, []string{"errorMessage"}) {
				t.Fatalf("%s, shift %d: ends in %q", name, shift, o.Status.ErrorMessage[len(o.Status.ErrorMessage)-40:])
			}
		}
	}
}

func TestPathListsAreBounded(t *testing.T) {
	members := make([]string, 300)
	for i := range members {
		members[i] = fmt.Sprintf(`"%s%03d_token":"x"`, strings.Repeat("y", 300), i)
	}
	o := mustConvert(t, `{"id":"A","params":{"exportData":{"content":{`+strings.Join(members[:100], ",")+`}}}}`)
	if len(o.Spec.RedactedFields) != 1 { // all keys are cut at the same place
		t.Errorf("%d paths", len(o.Spec.RedactedFields))
	}
	for i := range members {
		members[i] = fmt.Sprintf(`"token%d":"x"`, i)
	}
	o = mustConvert(t, `{"id":"A","params":{"exportData":{"content":{"a token":{`+strings.Join(members, ",")+`},"b":{`+strings.Join(members, ",")+`}}}}}`)
	if n := len(o.Spec.RedactedFields); n != 100 || o.Spec.RedactedFields[99] != "…" {
		t.Errorf("%d paths, last %q", n, o.Spec.RedactedFields[n-1])
	}
}

func TestSectionIsBounded(t *testing.T) {
	track := `{"codec":"` + strings.Repeat("x", 3000) + `"}`
	tracks := "[" + strings.TrimSuffix(strings.Repeat(track+",", 200), ",") + "]"
	o := mustConvert(t, `{"id":"A","type":5,"createdAt":"x","output":{"clip":{"assetSpec":{"playbackUrl":"https://u:p@h/","videoSpec":{"tracks":`+tracks+`}}}},
		"status":{"phase":"completed","errorMessage":"token=x"}}`)
	if o.Status.Output != nil || o.Status.Phase != "completed" {
		t.Errorf("output of %d bytes", len(tracks))
	}
	if !slices.Equal(o.Status.OmittedFields, []string{"createdAt", "output"}) || !slices.Equal(o.Status.RedactedFields, []string{"errorMessage"}) {
		t.Errorf("%q %q", o.Status.OmittedFields, o.Status.RedactedFields)
	}
	profile := `{"name":"` + strings.Repeat("x", 3000) + `"}`
	profiles := "[" + strings.TrimSuffix(strings.Repeat(profile+",", 200), ",") + "]"
	o = mustConvert(t, `{"id":"A","type":"token=x","projectId":{},"params":{"upload":{"url":"https://u:p@h/","c2pa":5,"profiles":`+profiles+`}}}`)
	if o.Spec.Params != nil || o.ID != "A" {
		t.Errorf("params of %d bytes", len(profiles))
	}
	if !slices.Equal(o.Spec.OmittedFields, []string{"params", "projectId"}) || !slices.Equal(o.Spec.RedactedFields, []string{"type"}) {
		t.Errorf("%q %q", o.Spec.OmittedFields, o.Spec.RedactedFields)
	}
}
