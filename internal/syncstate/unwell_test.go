// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"math"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// resumed is a source that was mirrored by an earlier process, with this reason.
func resumed(reason string) *v1alpha1.LivepeerTaskSource {
	source := kubetest.ASource()
	source.Status = v1alpha1.LivepeerTaskSourceStatus{
		ObservedGeneration: 1, SyncedGeneration: 1, LastFullSyncTime: &metav1.Time{Time: noon.Add(-time.Minute)}, LastPollTime: &metav1.Time{Time: noon},
		Tasks: v1alpha1.TaskCounts{Total: 1},
	}
	meta.SetStatusCondition(&source.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Reason: reason, Message: "40 of 60 ...: kubectl annotate ... confirm-prune=token",
	})
	return source
}

// TestResumeUnwell: what a source needs somebody's help with is not on record. It is not well before it was looked for.
func TestResumeUnwell(t *testing.T) {
	one := each(mirror.Entry{Shown: mirror.Shown{ID: "a", Phase: "running", UpdatedAt: noon.UnixMilli()}})
	for reason, unwell := range map[string]bool{
		v1alpha1.ReasonUnreadable: true, v1alpha1.ReasonPruningPaused: true, v1alpha1.ReasonRefused: true, v1alpha1.ReasonConflict: true,
		v1alpha1.ReasonSynced: false, v1alpha1.ReasonUnavailable: false,
	} {
		p := &State{}
		p.Resume(resumed(reason), one, noon)
		if p.Coverage.Synced == unwell || p.Schedule.NextFull.Equal(noon) != unwell {
			t.Errorf("%s: synced %v, lists at %v", reason, p.Coverage.Synced, p.Schedule.NextFull)
		}
	}
}

// TestWhatWasThereBeforeIsKnownAfterARestart: what the last process has stored after a change, or while a deletion waits, does not count as
// mirrored before.
func TestWhatWasThereBeforeIsKnownAfterARestart(t *testing.T) {
	three := each(mirror.Entry{}, mirror.Entry{}, mirror.Entry{})
	for name, c := range map[string]struct {
		reason   string
		recorded *int32
		reported int32
		want     int
	}{
		"on record":                       {v1alpha1.ReasonUnavailable, ptr.To[int32](60), 70, 60},
		"as reported":                     {v1alpha1.ReasonSynced, nil, 3, 3},
		"some were stored since":          {v1alpha1.ReasonSynced, nil, 2, 2},
		"some are gone":                   {v1alpha1.ReasonSynced, nil, 9, 3},
		"a deletion waits, not on record": {v1alpha1.ReasonPruningPaused, nil, 3, 0},
	} {
		source, p := resumed(c.reason), &State{}
		source.Status.MirroredBefore, source.Status.Tasks.Total = c.recorded, c.reported
		p.Resume(source, three, noon)
		p.Renew(source, Observed{Fingerprint: "print", Stored: 3}, notAsked, noon)
		if !p.Coverage.Changed || p.Coverage.StoredBefore != c.want {
			t.Errorf("%s: %+v", name, p.Coverage)
		}
	}
}

// TestAPauseIsKnownAfterARestart: it is said in the same words until a full sync has found out anew, and can be confirmed meanwhile.
func TestAPauseIsKnownAfterARestart(t *testing.T) {
	source, p := resumed(v1alpha1.ReasonPruningPaused), &State{}
	p.Resume(source, each(mirror.Entry{}), noon)
	said := source.Status.Conditions[0].Message
	if got := p.Judge(source, 1, nil); got.Reason != v1alpha1.ReasonPruningPaused || got.Message != said || !got.Stalled {
		t.Errorf("%+v", got)
	}
	found := Observed{Fingerprint: "print", Listing: true}
	p.Renew(source, found, notAsked, noon)
	source.Annotations[v1alpha1.AnnotationConfirmPrune] = "token"
	if p.Renew(source, found, notAsked, noon) != FullSync {
		t.Error("a confirmation is not taken in")
	}
	if got := pausedAs("").Token; got != "" {
		t.Error(got)
	}
}

// TestASpecThatChangesBeforeTheFirstStep: as where somebody corrects the name of the Secret after a restart.
func TestASpecThatChangesBeforeTheFirstStep(t *testing.T) {
	source, p := resumed(v1alpha1.ReasonSecretNotFound), &State{}
	p.Resume(source, each(mirror.Entry{}), noon)
	source.Generation++
	if p.Renew(source, Observed{Fingerprint: "print"}, notAsked, noon); p.Coverage.Synced || !p.Schedule.NextFull.Equal(noon) {
		t.Errorf("synced %v, lists at %v", p.Coverage.Synced, p.Schedule.NextFull)
	}
}

// TestATimeThatNobodyReachesKeepsNothingBack: one task that was updated in the year 9999 is no reason to notify of no new one.
func TestATimeThatNobodyReachesKeepsNothingBack(t *testing.T) {
	p, now := &State{}, noon.UnixMilli()
	p.Resume(resumed(v1alpha1.ReasonSynced), each(
		mirror.Entry{Shown: mirror.Shown{ID: "a", UpdatedAt: now}}, mirror.Entry{Shown: mirror.Shown{ID: "b", UpdatedAt: now * 1000}},
		mirror.Entry{Shown: mirror.Shown{ID: "c", UpdatedAt: math.MaxInt64}}, mirror.Entry{Shown: mirror.Shown{ID: "d", UpdatedAt: now - 1}},
	), noon)
	if after := p.Retention.NotifyAfter; after != now-notifyMargin.Milliseconds() {
		t.Errorf("notifies after %d", after)
	}
}
