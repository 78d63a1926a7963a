// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestJudge: a failed step counts most, then what needs help, then how far the first sync is.
func TestJudge(t *testing.T) {
	hold := &Paused{Missing: 40, Total: 60, Token: "x"}
	synced := Coverage{Synced: true}
	for name, c := range map[string]struct {
		state   *State
		err     error
		reason  string
		message string
	}{
		"all well": {&State{Coverage: synced}, nil, v1alpha1.ReasonSynced, "Mirroring the tasks of https://livepeer.studio/api"},
		"unusable elements": {
			&State{Coverage: synced, Health: Health{unusable: 2}}, nil, v1alpha1.ReasonSynced,
			"Mirroring the tasks of https://livepeer.studio/api; 2 elements of the list have no usable id and are left out",
		},
		"first sync": {&State{}, nil, v1alpha1.ReasonSyncing, "Listing all tasks of https://livepeer.studio/api: 7 mirrored so far"},
		"conflict":   {&State{Coverage: synced, Health: Health{Rejected: Rejected{"a": ""}}}, nil, v1alpha1.ReasonConflict, "1 task is"},
		"refusal, while syncing": {
			&State{Health: Health{Rejected: Rejected{"a": "bad"}}}, nil, v1alpha1.ReasonRefused, "bad",
		},
		"paused":        {&State{Coverage: synced, Health: Health{Paused: hold, Rejected: Rejected{"a": "bad"}}}, nil, v1alpha1.ReasonPruningPaused, "40 of 60"},
		"failed":        {&State{Coverage: synced, Health: Health{Paused: hold}}, errors.New("surprise"), v1alpha1.ReasonUnavailable, "surprise"},
		"failed before": {&State{Coverage: synced, Schedule: Schedule{failures: 5}}, nil, v1alpha1.ReasonSynced, "Mirroring"},
	} {
		var failure *Outcome
		if c.err != nil {
			outcome := OutcomeOf(c.err, 1, time.Second)
			failure = &outcome
		}
		if got := c.state.Judge(kubetest.ASource(), 7, failure); got.Reason != c.reason || !strings.Contains(got.Message, c.message) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestEachTypeIsKnown: a type that api/v1alpha1 names is not taken for one that is misspelled, and is known wherever types are listed.
func TestEachTypeIsKnown(t *testing.T) {
	const root = "../../"
	file, err := parser.ParseFile(token.NewFileSet(), root+"api/v1alpha1/constants.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	old := []string{v1alpha1.TypeImport, v1alpha1.TypeTranscode} // of which Studio makes no more: not counted apart, and not offered
	types := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Type") {
			return true
		}
		types++
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if said := notKnown([]string{name}); said != "" {
			t.Errorf("%s is not in the list of notKnown; CONTRIBUTING.md (Where something new goes) names the other places of a type%s",
				spec.Names[0].Name, said)
		}
		listed := map[string]string{
			"api/v1alpha1/livepeertask_types.go": name, "api/v1alpha1/livepeertasksource_types.go": name,
			"docs/livepeertasksource.md": "`" + name + "`",
		}
		if !slices.Contains(old, name) {
			listed["internal/metrics/definitions.go"] = "v1alpha1." + spec.Names[0].Name
			listed["cmd/kubectl-livepeer/internal/command/list.go"] = "v1alpha1." + spec.Names[0].Name
		}
		for place, text := range listed {
			if raw, err := os.ReadFile(root + place); err != nil || !strings.Contains(string(raw), text) {
				t.Errorf("%s lists types, and lacks %s: %v", place, text, err)
			}
		}
		return true
	})
	if types < 7 {
		t.Errorf("only %d types are found", types)
	}
}

// TestTypesThatAreNotKnown: a type that is misspelled mirrors nothing, and says so.
func TestTypesThatAreNotKnown(t *testing.T) {
	source := kubetest.ASource()
	for says, types := range map[string][]string{
		"": {"upload", "transcode-file", "import"},
		`; spec.types has "Upload", "clips", and the types that this operator knows are clip, export, export-data, import, transcode, ` +
			"transcode-file, upload": {"Upload", "clip", "clips"},
	} {
		source.Spec.Types = types
		got := (&State{Coverage: Coverage{Synced: true}}).Judge(source, 0, nil)
		if want := "Mirroring the tasks of https://livepeer.studio/api" + says; got.Message != want {
			t.Errorf("%s, want %s", got.Message, want)
		}
	}
}
