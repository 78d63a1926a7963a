// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/sourcesync"
)

// outcomes are what a source's turn can end in, and the one other condition that goes with it.
var outcomes = map[string]struct {
	outcome sourcesync.Outcome
	also    string
}{
	"well":      {sourcesync.Outcome{Reason: v1alpha1.ReasonSynced, Message: "Well"}, ""},
	"syncing":   {sourcesync.Outcome{Reason: v1alpha1.ReasonSyncing, Message: "Soon"}, v1alpha1.ConditionReconciling},
	"suspended": {sourcesync.Outcome{Reason: v1alpha1.ReasonSuspended, Message: "Later"}, ""},
	"down":      {sourcesync.Outcome{Reason: v1alpha1.ReasonUnavailable, Message: "Down"}, v1alpha1.ConditionReconciling},
	"bad key":   {sourcesync.Outcome{Reason: v1alpha1.ReasonUnauthorized, Message: "Bad", Stalled: true}, v1alpha1.ConditionStalled},
	"paused":    {sourcesync.Outcome{Reason: v1alpha1.ReasonPruningPaused, Message: "Many", Stalled: true}, v1alpha1.ConditionStalled},
}

// TestSetConditions: whatever follows what, the conditions say what kstatus and kubectl wait expect.
func TestSetConditions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := kubetest.ASource()
		ready := metav1.Condition{}
		for range rapid.IntRange(1, 6).Draw(t, "turns") {
			c := outcomes[rapid.SampledFrom([]string{"well", "syncing", "suspended", "down", "bad key", "paused"}).Draw(t, "outcome")]
			source.Generation++
			setConditions(source, c.outcome)
			types := []string{v1alpha1.ConditionReady}
			if c.also != "" {
				types = append(types, c.also)
			}
			if len(source.Status.Conditions) != len(types) {
				t.Fatalf("%s: %+v", c.outcome.Reason, source.Status.Conditions)
			}
			for _, kind := range types {
				got := meta.FindStatusCondition(source.Status.Conditions, kind)
				isTrue := kind != v1alpha1.ConditionReady || c.outcome.Reason == v1alpha1.ReasonSynced ||
					c.outcome.Reason == v1alpha1.ReasonSuspended
				if got == nil || (got.Status == metav1.ConditionTrue) != isTrue || got.Reason != c.outcome.Reason ||
					got.Message != c.outcome.Message || got.ObservedGeneration != source.Generation || got.LastTransitionTime.IsZero() {
					t.Fatalf("%s: %+v", c.outcome.Reason, got)
				}
			}
			got := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionReady)
			if got.Status == ready.Status && !got.LastTransitionTime.Equal(&ready.LastTransitionTime) {
				t.Fatalf("no transition, but another time: %+v, then %+v", ready, got)
			}
			ready = *got
		}
	})
}

func TestBounded(t *testing.T) {
	for _, message := range []string{"", "short", strings.Repeat("x", condition.MaxMessage)} {
		if got := condition.Bounded(message, condition.MaxMessage); got != message {
			t.Errorf("%q became %q", message, got)
		}
	}
	for _, message := range []string{strings.Repeat("x", condition.MaxMessage+1), strings.Repeat("é", condition.MaxMessage), "x" + strings.Repeat("日", condition.MaxMessage)} {
		got := condition.Bounded(message, condition.MaxMessage)
		start := strings.TrimSuffix(got, "...")
		if len(start) > condition.MaxMessage || len(start) < condition.MaxMessage-3 || !utf8.ValidString(got) || !strings.HasPrefix(message, start) || start == got {
			t.Errorf("%.20q became %d bytes", message, len(got))
		}
	}
	source := kubetest.ASource()
	setConditions(source, sourcesync.Outcome{Reason: v1alpha1.ReasonRefused, Message: "task a\u009b\u202e\u200bb", Delay: time.Second})
	if got := source.Status.Conditions[0].Message; got != "task a  b" {
		t.Errorf("%q", got)
	}
	setConditions(source, sourcesync.Outcome{Reason: v1alpha1.ReasonRefused, Message: strings.Repeat("x", 100_000), Delay: time.Second})
	for _, is := range source.Status.Conditions {
		if len(is.Message) > condition.MaxMessage+3 {
			t.Errorf("%s: %d bytes", is.Type, len(is.Message))
		}
	}
}

// TestConditionsAreSteady: saying the same again changes nothing, no time either.
func TestConditionsAreSteady(t *testing.T) {
	for name, c := range outcomes {
		source := kubetest.ASource()
		setConditions(source, c.outcome)
		before := source.DeepCopy()
		setConditions(source, c.outcome)
		if !equality.Semantic.DeepEqual(before.Status, source.Status) {
			t.Errorf("%s: %+v became %+v", name, before.Status.Conditions, source.Status.Conditions)
		}
	}
}
