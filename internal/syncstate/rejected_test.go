// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		rejected Rejected
		reason   string
		message  []string
	}{
		"none":     {},
		"empty":    {rejected: Rejected{}},
		"conflict": {Rejected{"a": ""}, v1alpha1.ReasonConflict, []string{"1 task is mirrored by another LivepeerTaskSource", "delete one"}},
		"more":     {Rejected{"a": "", "b": ""}, v1alpha1.ReasonConflict, []string{"2 tasks are mirrored by another"}},
		"refusal":  {Rejected{"a": "too large"}, v1alpha1.ReasonRefused, []string{"refuses to store 1 task;", "Change what", "task a: too large"}},
		"own policy": {
			Rejected{"a": "ValidatingAdmissionPolicy 'livepeer-task-operator-mirror' with binding"}, v1alpha1.ReasonRefused,
			[]string{"bind the ClusterRole livepeer-task-operator-task-writer-role to its ServiceAccount"},
		},
		"both": {
			Rejected{"d": "", "c": "bad", "b": "too large", "a": ""}, v1alpha1.ReasonRefused,
			[]string{"refuses to store 2 tasks;", "The first is task b: too large"},
		},
	} {
		got := c.rejected.problem()
		if c.reason == "" {
			if got != nil {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		if got == nil || got.Reason != c.reason || !got.Stalled {
			t.Errorf("%s: %v", name, got)
			continue
		}
		for _, part := range c.message {
			if !strings.Contains(got.Message, part) {
				t.Errorf("%s: %q lacks %q", name, got.Message, part)
			}
		}
	}
}

// TestRemedies: a refusal says what to do about it. Most are a policy's or a quota's, some for want of a right.
func TestRemedies(t *testing.T) {
	const lacks = `task a: livepeertasks.studio.livepeer.org is forbidden: User "system:serviceaccount:livepeer-task-operator-system:` +
		`livepeer-task-operator-controller-manager" cannot %s resource "%s" in API group "studio.livepeer.org" in the namespace "media"`
	const roles, change = "apply its roles again, as it was installed", "Change what it names, such as a policy or a quota"
	for refusal, want := range map[string]string{
		fmt.Sprintf(lacks, "create", "livepeertasks"):                                       roles,
		fmt.Sprintf(lacks, "update", "livepeertasks"):                                       roles,
		fmt.Sprintf(lacks, "update", "livepeertasks/status"):                                roles,
		fmt.Sprintf(lacks, "delete", "livepeertasks"):                                       roles,
		`task a: livepeertasks.studio.livepeer.org "a" is forbidden: exceeded quota: tasks`: change,
		`task a: denied request: you cannot create resource "livepeertasks" here`:           change,
		`task a: ValidatingAdmissionPolicy 'livepeer-task-operator-mirror' denied request`:  "livepeer-task-operator-task-writer-role",
	} {
		if got := remedy(refusal); !strings.Contains(got, want) || !strings.HasSuffix(got, "tries again by itself") {
			t.Errorf("%s: %q", refusal, got)
		}
	}
}

// TestFreed: only what another object was in the way of is looked at; what the API server refused is not.
func TestFreed(t *testing.T) {
	names := mirror.Names("ABC")
	hold := func(ids ...string) plan.Lookup {
		return func(name string) (mirror.Entry, bool) {
			at := slices.Index(names, name)
			if at < 0 || at >= len(ids) || ids[at] == "" {
				return mirror.Entry{}, false
			}
			return mirror.Entry{Shown: mirror.Shown{ID: ids[at]}}, true
		}
	}
	// conflicts are one that is free, and so many that are not.
	conflicts := func(n int) (Rejected, plan.Lookup) {
		rejected, taken := Rejected{"ABC": ""}, map[string]mirror.Entry{}
		for i := range n {
			id := fmt.Sprint("other-", i)
			rejected[id], taken[mirror.Names(id)[0]] = "", mirror.Entry{Shown: mirror.Shown{ID: id}}
		}
		return rejected, func(name string) (mirror.Entry, bool) { entry, ok := taken[name]; return entry, ok }
	}
	for name, c := range map[string]struct {
		rejected Rejected
		stored   plan.Lookup
		want     bool
	}{
		"another source's":                  {Rejected{"ABC": ""}, hold("ABC"), false},
		"under its second name":             {Rejected{"ABC": ""}, hold("abc", "ABC"), false},
		"gone":                              {Rejected{"ABC": ""}, hold(), true},
		"gone, and its first name is taken": {Rejected{"ABC": ""}, hold("abc"), true},
		"one of two is gone":                {Rejected{"ABC": "", "other": ""}, hold("ABC"), true},
		"no name is free":                   {Rejected{"ABC": nameless}, hold("abc", "x", "y"), false},
		"a name is free":                    {Rejected{"ABC": nameless}, hold("abc", "", "y"), true},
		"refused":                           {Rejected{"ABC": "exceeded quota"}, hold(), false},
		"none":                              {nil, hold(), false},
	} {
		if got := c.rejected.Freed(c.stored); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for others, want := range map[int]bool{9: true, 10: false} {
		if rejected, stored := conflicts(others); rejected.Freed(stored) != want {
			t.Errorf("one of %d is free: not %v", others+1, want)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var p Rejected
	for i := range 2 * maxRejected {
		p.Add(fmt.Sprint(i), "")
	}
	p.Add("0", "too large")
	p.Add("another", "too large")
	p.Add("1", strings.Repeat("too large ", maxRefusal))
	if len(p) != maxRejected || len(p["1"]) > maxRefusal+len("...") || p["0"] != "too large" || p["another"] != "" {
		t.Errorf("%d rejected; the first is now %q", len(p), p["0"])
	}
}

func TestTokenFor(t *testing.T) {
	missing := func(ids ...string) (entries []mirror.Entry) {
		for _, id := range ids {
			entries = append(entries, mirror.Entry{Shown: mirror.Shown{ID: id}})
		}
		return entries
	}
	token := TokenFor(missing("a", "b", "c"))
	for _, order := range [][]string{{"a", "c", "b"}, {"c", "b", "a"}, {"b", "c", "a"}} {
		if got := TokenFor(missing(order...)); got != token {
			t.Errorf("%v: %s, want %s", order, got, token)
		}
	}
	seen := []string{token}
	for _, others := range [][]string{{}, {"a"}, {"a", "b"}, {"a", "b", "c", "d"}, {"a", "b", "d"}, {"a", "bc"}, {"a\nb", "c"}, {`a"`, `"b`, "c"}} {
		got := TokenFor(missing(others...))
		if slices.Contains(seen, got) || len(got) != 12 {
			t.Errorf("%q: %s", others, got)
		}
		seen = append(seen, got)
	}
	entries := missing("b", "a")
	if TokenFor(entries); entries[0].ID != "b" {
		t.Error("the tasks were put in another order")
	}
}

// TestPausedTellsHowToGoOn: the message is a command to copy.
func TestPausedTellsHowToGoOn(t *testing.T) {
	got := (&Paused{Missing: 40, Total: 60, Token: "0123456789ab"}).problem(kubetest.ASource())
	if got.Reason != v1alpha1.ReasonPruningPaused || !got.Stalled || !strings.HasPrefix(got.Message, "40 of 60 mirrored tasks are missing") ||
		!strings.HasSuffix(got.Message,
			"kubectl annotate --overwrite livepeertasksource -n media main studio.livepeer.org/confirm-prune=0123456789ab") {
		t.Errorf("%+v", got)
	}
}
