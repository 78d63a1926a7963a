// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// waitingFor lets these phases wait to be sent.
func waitingFor(phases ...string) func(*v1alpha1.LivepeerTask) {
	return func(task *v1alpha1.LivepeerTask) {
		for _, phase := range phases {
			task.Status.Notifications = append(task.Status.Notifications, v1alpha1.Transition{Phase: phase})
		}
	}
}

func phasesIn(task *v1alpha1.LivepeerTask) (phases []string) {
	for i := range task.Status.Notifications {
		phases = append(phases, task.Status.Notifications[i].Phase)
	}
	return phases
}

// allFree fails unless a writer has given all of its slots back.
func allFree(t *testing.T, writer *Writer) {
	t.Helper()
	var taken []func()
	for range writeConcurrency {
		if release, ok := writer.slots.TryAcquire(keyOf("any")); ok {
			taken = append(taken, release)
		}
	}
	if len(taken) != writeConcurrency {
		t.Fatalf("of %d slots %d are free", writeConcurrency, len(taken))
	}
	for _, release := range taken {
		release()
	}
}

// TestAcknowledge: what was sent is taken away, whatever has become of the task since it was read, and nothing else is.
func TestAcknowledge(t *testing.T) {
	both, failed := waitingFor("pending", "running"), kubetest.InPhase(v1alpha1.PhaseFailed)
	for name, c := range map[string]struct {
		now        *v1alpha1.LivepeerTask
		conflicts  int
		sent, left []string
		writes     int
		fails      bool
	}{
		"all":         {now: kubetest.ATask("a", "main", 10, both), sent: []string{"pending", "running"}, writes: 1},
		"the first":   {now: kubetest.ATask("a", "main", 10, both), sent: []string{"pending"}, left: []string{"running"}, writes: 1},
		"nothing":     {now: kubetest.ATask("a", "main", 10, both), left: []string{"pending", "running"}},
		"written to":  {now: kubetest.ATask("a", "main", 11, both, failed, waitingFor("failed")), sent: []string{"pending", "running"}, left: []string{"failed"}, writes: 2},
		"made anew":   {now: kubetest.ATask("a", "main", 11, both, reborn), sent: []string{"pending"}, left: []string{"pending", "running"}, writes: 1},
		"gone":        {sent: []string{"pending"}, writes: 1},
		"conflicts":   {now: kubetest.ATask("a", "main", 10, both), conflicts: 3, sent: []string{"pending", "running"}, writes: 4},
		"no end":      {now: kubetest.ATask("a", "main", 10, both), conflicts: 9, sent: []string{"pending"}, left: []string{"pending", "running"}, writes: conflictAttempts, fails: true},
		"spec edited": {now: kubetest.ATask("a", "main", 10, both, func(task *v1alpha1.LivepeerTask) { task.Generation = 2 }), sent: []string{"pending", "running"}, writes: 1},
	} {
		g := NewWithT(t)
		read := kubetest.ATask("a", "main", 10, both)
		storage, api := newMoody()
		if c.now != nil {
			api.Tasks["a"] = c.now
			if name != "written to" && name != "made anew" {
				read = c.now.DeepCopy()
			}
		}
		storage.write = func() error {
			if storage.writes <= c.conflicts {
				return changedSince(read)
			}
			return nil
		}
		sent := slices.DeleteFunc(slices.Clone(read.Status.Notifications), func(of v1alpha1.Transition) bool { return !slices.Contains(c.sent, of.Phase) })
		x := known(read)
		entry, _ := x.Lookup("media")("a")
		x.Recognise(&entry, 5)
		writer := NewWriter(storage, storage, x)
		err := writer.Acknowledge(t.Context(), read, sent)
		allFree(t, writer)
		g.Expect(err != nil).To(Equal(c.fails), "%s: %v", name, err)
		g.Expect(storage.writes).To(Equal(c.writes), name)
		if c.now != nil {
			now := api.Tasks["a"]
			g.Expect(phasesIn(now)).To(Equal(c.left), name)
			g.Expect(now.Status.ObservedGeneration).To(BeEquivalentTo(1), "%s: what the status was made from stays", name)
			g.Expect(now.Status.Phase).To(Equal(c.now.Status.Phase), name)
		}
		if err == nil && c.now != nil {
			g.Expect(x.Mirrors(idOf("main"), "a", "a", 5, 0)).To(Equal(name != "written to"), "%s: what it is known to mirror", name)
		}
		told := 0
		x.NotifyExternalChanges(func(TaskRef) { told++ })
		x.Observe(kubetest.ATask("a", "main", 1000, kubetest.InPhase("edited")))
		g.Expect(told).To(BeNumerically(">", 0), "%s: what others write afterwards is theirs", name)
	}
}

// TestAcknowledgeKeepsWhatOthersSet: what somebody edited meanwhile counts as edited, also after a sent event was taken away.
func TestAcknowledgeKeepsWhatOthersSet(t *testing.T) {
	edited := kubetest.ATask("a", "main", 11, waitingFor("running"), func(task *v1alpha1.LivepeerTask) {
		task.Generation, task.Spec.Type = 2, "other"
		task.Status.UpdatedAt = new(metav1.NewMicroTime(time.Now().Add(1000 * time.Hour)))
		task.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl-edit", FieldsV1: metav1.NewFieldsV1(
			`{"f:spec":{"f:type":{}},"f:status":{"f:updatedAt":{}}}`)}}
	})
	storage, _ := newMoody(edited.DeepCopy())
	x := known(edited)
	writer := NewWriter(storage, storage, x)
	if err := writer.Acknowledge(t.Context(), edited, edited.Status.Notifications); err != nil {
		t.Fatal(err)
	}
	entry, _ := x.Lookup("media")("a")
	if entry.UpdatedAt != 0 || !entry.EditedType || entry.Waiting {
		t.Errorf("%+v", entry)
	}
}

// TestWhatWaitsStays: a phase that is reached waits behind those that wait already, also where the index knows nothing but that some do.
func TestWhatWaitsStays(t *testing.T) {
	g := NewWithT(t)
	scope := mainScope
	scope.Notify = true
	task := kubetest.ATask("a", "main", 10, waitingFor("running"))
	storage, api := newMoody(task)
	x := known(task)
	writer := NewWriter(storage, storage, x)
	g.Expect(writer.write(t.Context(), scope, statusOf(x, "a"))).To(Succeed())
	g.Expect(phasesIn(api.Tasks["a"])).To(Equal([]string{"running", "failed"}))
	g.Expect(api.Tasks["a"].Status.Notifications[1].PreviousPhase).To(Equal("running"))
	g.Expect(writer.write(t.Context(), scope, statusOf(x, "a"))).To(Succeed())
	g.Expect(phasesIn(api.Tasks["a"])).To(Equal([]string{"running", "failed"}), "the phase is the same")

	storage.read = func() error { return errOut }
	again := statusOf(x, "a")
	again.Desired.Status.Phase = "waiting"
	g.Expect(writer.write(t.Context(), scope, again)).To(MatchError(errOut), "what waits is not known")
	g.Expect(phasesIn(api.Tasks["a"])).To(Equal([]string{"running", "failed"}))

	storage.read = func() error { return nil }
	g.Expect(writer.write(t.Context(), mainScope, again)).To(Succeed())
	g.Expect(phasesIn(api.Tasks["a"])).To(BeEmpty(), "the source sends no events any more")

	full, told := kubetest.ATask("full", "main", 11, waitingFor(make([]string, v1alpha1.MaxNotifications)...)), &wrote{}
	storage, _ = newMoody(full)
	x = known(full)
	g.Expect(NewWriter(storage, storage, x, told).write(t.Context(), scope, statusOf(x, "full"))).To(Succeed())
	g.Expect(*told).To(ConsistOf(HaveField("Lost", 1)), "there is no room")
}

// TestNewTasksAreNotifiedOfWhatIsNew: a task that is mirrored for the first time, or whose status a crash has left out, waits to be sent
// only where it changed after what the scope says.
func TestNewTasksAreNotifiedOfWhatIsNew(t *testing.T) {
	scope := mainScope
	scope.Notify, scope.NotifyAfter = true, resumedAt.UnixMilli()
	for updated, want := range map[time.Time][]string{resumedAt: nil, resumedAt.Add(time.Millisecond): {"failed"}} {
		for _, verb := range []plan.Verb{plan.Create, plan.UpdateStatus} {
			g := NewWithT(t)
			at := metav1.NewMicroTime(updated)
			storage, api := newMoody()
			x := NewIndex()
			if verb == plan.UpdateStatus {
				task := kubetest.ATask("a", "main", 10, statusless)
				api.Tasks["a"] = task
				x.See(task)
			}
			action := statusOf(x, "a")
			action.Verb, action.Desired.Status.UpdatedAt = verb, &at
			g.Expect(NewWriter(storage, storage, x).write(t.Context(), scope, action)).To(Succeed())
			g.Expect(phasesIn(api.Tasks["a"])).To(Equal(want), "%s, updated at %s", verb, updated)
		}
	}
}

// TestStalling: of the tasks that count as stalled those are told that are not shown so, no more than are asked for, and none twice.
func TestStalling(t *testing.T) {
	at := metav1.NewMicroTime(resumedAt)
	silent := func(task *v1alpha1.LivepeerTask) { task.Status.UpdatedAt = at.DeepCopy() }
	shown := func(task *v1alpha1.LivepeerTask) {
		task.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionStalled, Reason: v1alpha1.ReasonNoUpdate}}
	}
	going := func(task *v1alpha1.LivepeerTask) { task.DeletionTimestamp = &metav1.Time{Time: resumedAt} }
	x := known(
		kubetest.ATask("a", "main", 10, silent), kubetest.ATask("b", "main", 11, silent), kubetest.ATask("shown", "main", 12, silent, shown),
		kubetest.ATask("going", "main", 13, silent, going), kubetest.ATask("other", "other", 14, silent), kubetest.ATask("never", "main", 15),
		kubetest.ATask("ended", "main", 16, silent, kubetest.InPhase(v1alpha1.PhaseFailed)),
	)
	g := NewWithT(t)
	after := resumedAt.UnixMilli() + 1
	g.Expect(x.Stalling(idOf("main"), after, nil, 10)).To(ConsistOf("a", "b"))
	g.Expect(x.Stalling(idOf("main"), after, nil, 1)).To(HaveLen(1))
	g.Expect(x.Stalling(idOf("main"), after, map[string]struct{}{"a": {}}, 10)).To(ConsistOf("b"))
	g.Expect(x.Stalling(idOf("main"), after-1, nil, 10)).To(BeEmpty())
}
