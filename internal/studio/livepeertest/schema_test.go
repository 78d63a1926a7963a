// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	alternative = regexp.MustCompile(`\(oneOf \d\)`)
	// notMade are the fields that no made-up task has: how an asset came to be and is stored elsewhere, and what few exports say.
	notMade = regexp.MustCompile(`^(params\.exportData\.ipfs\.(nftMetadata.*|pinata\.apiKey)|` +
		`output\.upload\.assetSpec\.(source|status|storage\.(ipfs|status))\..*)$`)
)

// TestGenerateMakesEveryField: each field that Studio documents and answers is in some task.
func TestGenerateMakesEveryField(t *testing.T) {
	made := map[string]bool{}
	for task := range Generate(2000, 1, time.Unix(1700000000, 0)) {
		raw, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		var members any
		if err := json.Unmarshal(raw, &members); err != nil {
			t.Fatal(err)
		}
		note(made, "", members)
	}
	schema, err := os.ReadFile("../../mirror/testdata/task-schema.tsv")
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	for line := range strings.Lines(string(schema)) {
		path, kind, found := strings.Cut(alternative.ReplaceAllString(line, ""), "\t")
		if !found || strings.Contains(kind, "write only") {
			continue
		}
		fields++
		if !made[path] && !notMade.MatchString(path) {
			t.Errorf("no task has %s: make it in life.go or generate_shapes.go, or add it to notMade", path)
		}
	}
	if fields < 150 {
		t.Errorf("only %d fields", fields)
	}
}

// note records the path of everything that is in a value.
func note(made map[string]bool, path string, value any) {
	made[path] = true
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			note(made, strings.TrimPrefix(path+"."+name, "."), member)
		}
	case []any:
		made[path+"[]"] = true
		for _, element := range value {
			note(made, path+"[]", element)
		}
	}
}
