// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// texts are the fields that hold a text, in each place that they can be in. The ID is mirrored verbatim.
func texts(t *testing.T) []schemaField {
	t.Helper()
	fields := slices.DeleteFunc(schema(t), func(f schemaField) bool {
		return !strings.HasPrefix(f.kind, "string") || f.path == "id"
	})
	if len(fields) < 200 {
		t.Fatalf("only %d fields", len(fields))
	}
	return fields
}

// words are the texts that are left out where they are longer than 256 bytes: columns show them, and they are kept in memory.
var words = regexp.MustCompile(`^(type|status\.phase|(inputAsset|outputAsset|project|requester)Id)$`)

// TestLongTexts: a text of 2 KiB is mirrored whole, whichever field it is in, unless that is one of words on purpose.
func TestLongTexts(t *testing.T) {
	long := "https://host.example/" + strings.Repeat("segment/", 256)
	for _, f := range texts(t) {
		if f.writeOnly { // never answered
			continue
		}
		path, _ := f.places()
		_, inner := mirroredPath(path)
		o := mustConvert(t, f.task(t, long))
		omitted := slices.Contains(slices.Concat(o.Spec.OmittedFields, o.Status.OmittedFields), inner)
		if omitted != words.MatchString(path) {
			t.Errorf("%s: a text of %d bytes is left out: %v; see stringKind in internal/decode/layout.go, and words here", f.path, len(long), omitted)
		}
	}
}

// TestEveryTextIsSearched: a credential in any text appears nowhere, and the field is named.
func TestEveryTextIsSearched(t *testing.T) {
	const secret = "Canary0fAll5ecrets"
	for _, f := range texts(t) {
		path, _ := f.places()
		_, inner := mirroredPath(path)
		for _, text := range []string{"password=" + secret, "https://user:" + secret + "@host.example/a?sig=" + secret} {
			o := mustConvert(t, f.task(t, text))
			data, err := json.Marshal(o)
			if err != nil || strings.Contains(string(data), secret) {
				t.Errorf("%s: %v, the credential is in %s", f.path, err, data)
			}
			named := slices.Concat(o.Spec.RedactedFields, o.Status.RedactedFields)
			if f.writeOnly { // never answered, and most are left out
				named = append(named, slices.Concat(o.Spec.OmittedFields, o.Status.OmittedFields)...)
			}
			if !slices.Equal(named, []string{inner}) && !slices.Equal(named, []string{inner + ".value"}) { // of a creatorId as text
				t.Errorf("%s: named %q", f.path, named)
			}
		}
	}
}

// TestReferenceHasEveryField: the example of the reference page shows each documented field, save those of the other alternatives, and
// those that its unresolved $ref stands for.
func TestReferenceHasEveryField(t *testing.T) {
	example := leaves(t, json.RawMessage(referenceTask(t)))
	for _, f := range parsed(t, documented(t)) {
		path, _ := f.places()
		unresolved, there := false, false
		for leaf := range example {
			there = there || below(leaf, path) || below(path, leaf) && example[leaf] == "{}"
			parent, ref := strings.CutSuffix(leaf, ".$ref")
			unresolved = unresolved || ref && below(path, parent)
		}
		if !there && !unresolved && !f.writeOnly && !strings.Contains(f.path, "(oneOf 2)") && !strings.Contains(f.path, "(oneOf 3)") {
			t.Errorf("%s%s lacks %s", testdata, "reference.json", f.path)
		}
	}
}
