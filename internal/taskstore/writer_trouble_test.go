// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"context"
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

var errOut = apierrors.NewServiceUnavailable("out")

// mainScope is that of the source main, which sends no events.
var mainScope = plan.Scope{Namespace: "media", Source: "main", SourceUID: "uid-of-main"}

// moody is a storage, and a reader, that does something before it answers, or fails.
type moody struct {
	kubetest.Storage

	writes, reads int
	write, read   func() error
	// stored is told of a status that is stored now, and gone of a deletion, before the writer has its answer.
	stored func(task *v1alpha1.LivepeerTask)
	gone   func(key types.NamespacedName, uid types.UID)
}

func newMoody(tasks ...*v1alpha1.LivepeerTask) (*moody, *kubetest.API) {
	api := kubetest.NewAPI("")
	for _, task := range tasks {
		api.Tasks[task.Name] = task
	}
	well := func() error { return nil }
	return &moody{
		Storage: kubetest.Storage{Client: api}, write: well, read: well, stored: func(*v1alpha1.LivepeerTask) {},
		gone: func(types.NamespacedName, types.UID) {},
	}, api
}

func (m *moody) Create(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	m.writes++
	return cmpOr(m.write, func() error { return m.Storage.Create(ctx, task) })
}

func (m *moody) Update(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	m.writes++
	return cmpOr(m.write, func() error { return m.Storage.Update(ctx, task) })
}

func (m *moody) UpdateStatus(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	m.writes++
	err := cmpOr(m.write, func() error { return m.Storage.UpdateStatus(ctx, task) })
	if err == nil {
		m.stored(task)
	}
	return err
}

func (m *moody) Delete(ctx context.Context, key types.NamespacedName, preconditions client.Preconditions) error {
	m.writes++
	err := cmpOr(m.write, func() error { return m.Storage.Delete(ctx, key, preconditions) })
	if err == nil {
		m.gone(key, *preconditions.UID)
	}
	return err
}

func (m *moody) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	m.reads++
	return cmpOr(m.read, func() error { return m.Storage.Get(ctx, key, obj, opts...) })
}

func (m *moody) List(context.Context, client.ObjectList, ...client.ListOption) error { return errOut }

// cmpOr returns the first error of the two.
func cmpOr(first, second func() error) error {
	if err := first(); err != nil {
		return err
	}
	return second()
}

// known returns an index that knows these tasks.
func known(tasks ...*v1alpha1.LivepeerTask) *Index {
	x := NewIndex()
	for _, task := range tasks {
		x.See(task)
	}
	return x
}

// statusOf is the plan for a task that has ended meanwhile.
func statusOf(x *Index, name string) plan.Action {
	entry, _ := x.Lookup("media")(name)
	desired := kubetest.ATask(name, "main", 0, kubetest.InPhase(v1alpha1.PhaseFailed))
	observation := &mirror.Observation{ID: desired.Spec.ID, Spec: desired.Spec, Status: desired.Status}
	return plan.Action{Verb: plan.UpdateStatus, Stored: entry, Desired: desired, Observation: observation}
}

// TestAFailedWriteIsOver: what others write afterwards is seen as theirs.
func TestAFailedWriteIsOver(t *testing.T) {
	for name, act := range map[string]func(x *Index) plan.Action{
		"status": func(x *Index) plan.Action { return statusOf(x, "a") },
		"deletion": func(x *Index) plan.Action {
			entry, _ := x.Lookup("media")("a")
			return plan.Action{Verb: plan.Delete, Stored: entry, Because: plan.BecauseHistory}
		},
	} {
		g := NewWithT(t)
		task := kubetest.ATask("a", "main", 10)
		storage, _ := newMoody(task)
		storage.write = func() error { return errOut }
		x := known(task)
		g.Expect(NewWriter(storage, storage, x).write(t.Context(), mainScope, act(x))).To(MatchError(errOut), name)
		told := 0
		x.NotifyExternalChanges(func(TaskRef) { told++ })
		x.Observe(kubetest.ATask("a", "main", 11, kubetest.InPhase("edited")))
		g.Expect(told).To(Equal(1), name)
	}
}

// TestAnEchoBeforeTheAnswerIsNobodyElses: what the watch shows of an own write before that is answered is no change by others.
func TestAnEchoBeforeTheAnswerIsNobodyElses(t *testing.T) {
	g := NewWithT(t)
	task := kubetest.ATask("a", "main", 10)
	storage, api := newMoody(task)
	x := known(task)
	x.NotifyExternalChanges(func(task TaskRef) { t.Errorf("%v counts as changed by others", task) })
	storage.stored = func(task *v1alpha1.LivepeerTask) { x.Observe(api.Tasks[task.Name]) }
	storage.gone = x.Deleted
	writer := NewWriter(storage, storage, x)
	g.Expect(writer.write(t.Context(), mainScope, statusOf(x, "a"))).To(Succeed())
	entry, _ := x.Lookup("media")("a")
	g.Expect(entry.Phase).To(Equal(v1alpha1.PhaseFailed))
	g.Expect(writer.write(t.Context(), mainScope, plan.Action{Verb: plan.Delete, Stored: entry, Because: plan.BecauseDeleted})).To(Succeed())
	g.Expect(api.Tasks).To(BeEmpty())
}

// TestConflictsEnd: a task that somebody else writes again and again is given up for now.
func TestConflictsEnd(t *testing.T) {
	g := NewWithT(t)
	task := kubetest.ATask("a", "main", 10)
	storage, _ := newMoody(task)
	storage.write = func() error {
		if storage.writes > 10*conflictAttempts {
			return nil
		}
		return changedSince(task)
	}
	x := known(task)
	writer := NewWriter(storage, storage, x)
	out, err := writer.Apply(t.Context(), mainScope, []plan.Action{statusOf(x, "a")})
	allFree(t, writer)
	var failed *WriteError
	g.Expect(errors.As(err, &failed)).To(BeTrue(), "%v", err)
	g.Expect(storage.writes).To(Equal(conflictAttempts))
	g.Expect(out.Writes).To(BeEmpty())
}

// TestNothingIsMadeBlindly: where the API server does not say what is there, or what a conflict was with, nothing is written.
func TestNothingIsMadeBlindly(t *testing.T) {
	g := NewWithT(t)
	storage, api := newMoody()
	storage.read = func() error { return errOut }
	name := mirror.Names("a")[1]
	desired := kubetest.ATask(name, "main", 0, func(task *v1alpha1.LivepeerTask) { task.Spec.ID = "a" })
	create := plan.Action{Verb: plan.Create, Desired: desired, Observation: &mirror.Observation{ID: "a", Spec: desired.Spec}}
	x := NewIndex()
	writer := NewWriter(storage, storage, x)
	g.Expect(writer.write(t.Context(), mainScope, create)).To(MatchError(errOut))
	g.Expect(api.Tasks).To(BeEmpty())

	storage.write = func() error { return changedSince(desired) }
	gone := plan.Action{Verb: plan.Delete, Stored: mirror.EntryOf(kubetest.ATask("a", "main", 10)), Because: plan.BecauseDeleted}
	g.Expect(writer.write(t.Context(), mainScope, gone)).To(MatchError(errOut))
	g.Expect(x.reading).To(BeEmpty())
	g.Expect(x.writing).To(BeEmpty())
}

// TestWhatAWriteIsKnownAs: what it mirrors, or nothing where only the object was made and its status was not.
func TestWhatAWriteIsKnownAs(t *testing.T) {
	for whole, err := range map[bool]error{true: nil, false: errOut} {
		g := NewWithT(t)
		storage, _ := newMoody()
		storage.write = func() error {
			if storage.writes == 2 {
				return err
			}
			return nil
		}
		x := NewIndex()
		create := statusOf(x, "a")
		create.Verb, create.Observation.Fingerprint = plan.Create, 5
		create.Content = mirror.ContentOf(create.Desired)
		g.Expect(NewWriter(storage, storage, x).write(t.Context(), mainScope, create) == nil).To(Equal(whole))
		entry, there := x.Lookup("media")("a")
		g.Expect([]bool{there, entry.ObservedGeneration > 0, entry.Phase != ""}).To(Equal([]bool{true, whole, whole}))
		g.Expect(x.Mirrors(idOf("main"), "a", "a", 5, 0)).To(Equal(whole))
	}
}

// TestUpdate: spec, labels and owner are put right, what others added stays, and what is no longer what was planned for is planned anew.
func TestUpdate(t *testing.T) {
	for name, c := range map[string]struct {
		now    *v1alpha1.LivepeerTask
		labels map[string]string
	}{
		"as it was": {kubetest.ATask("a", "main", 10), map[string]string{"team": "video", v1alpha1.LabelSource: "main"}},
		"another's": {kubetest.ATask("a", "other", 11), map[string]string{"team": "video", v1alpha1.LabelType: "clip"}},
	} {
		g := NewWithT(t)
		c.now.Labels = map[string]string{"team": "video", v1alpha1.LabelType: "clip"}
		storage, api := newMoody(c.now)
		action := statusOf(known(kubetest.ATask("a", "main", 10)), "a")
		action.Desired.Status.ObservedGeneration = 0
		action.Verb, action.Desired.Labels = plan.Update, map[string]string{v1alpha1.LabelSource: "main"}
		action.Desired.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: v1alpha1.ReasonFailed}}
		g.Expect(NewWriter(storage, storage, NewIndex()).write(t.Context(), mainScope, action)).To(Succeed(), name)
		now := api.Tasks["a"]
		g.Expect(now.Labels).To(Equal(c.labels), name)
		g.Expect(now.Status.ObservedGeneration).To(Equal(now.Generation), name)
		for _, is := range now.Status.Conditions {
			g.Expect(is.ObservedGeneration).To(Equal(now.Generation), name)
		}
	}
}

func labelled(task *v1alpha1.LivepeerTask) {
	task.Labels = map[string]string{v1alpha1.LabelSource: "main"}
}

// TestRestore: a source takes back what was edited away, as it was when it was looked at, and nothing else.
func TestRestore(t *testing.T) {
	for name, c := range map[string]struct {
		stored, edited *v1alpha1.LivepeerTask
		id             string
		writes, reads  int
	}{
		"nothing is wrong":       {kubetest.ATask("a", "main", 10, labelled), kubetest.ATask("a", "main", 10, labelled), "", 0, 0},
		"another owner":          {kubetest.ATask("a", "other", 10, labelled), kubetest.ATask("a", "other", 10, labelled), "", 1, 1},
		"gone":                   {nil, kubetest.ATask("a", "other", 10), "a", 0, 1},
		"changed since":          {kubetest.ATask("a", "other", 11), kubetest.ATask("a", "other", 10), "a", 0, 1},
		"another's":              {kubetest.ATask("a", "other", 10), kubetest.ATask("a", "other", 10), "a", 2, 1},
		"another's, of no ID":    {kubetest.ATask("a", "other", 10), kubetest.ATask("a", "other", 10), "", 1, 1},
		"its own, with a new ID": {kubetest.ATask("a", "main", 10, labelled), kubetest.ATask("a", "main", 10, labelled), "b", 2, 1},
		"without a label":        {kubetest.ATask("a", "main", 10), kubetest.ATask("a", "main", 10), "", 1, 1},
	} {
		g := NewWithT(t)
		storage, api := newMoody()
		if c.stored != nil {
			api.Tasks["a"] = c.stored
		}
		entry := mirror.EntryOf(c.edited)
		g.Expect(NewWriter(storage, storage, NewIndex()).Restore(t.Context(), &mainScope, &entry, c.id)).To(Succeed(), name)
		g.Expect([]int{api.Writes, storage.reads}).To(Equal([]int{c.writes, c.reads}), name)
		if c.writes > 0 {
			now := api.Tasks["a"]
			g.Expect(metav1.GetControllerOf(now).UID).To(BeEquivalentTo("uid-of-main"), name)
			g.Expect(now.Labels).To(HaveKeyWithValue(v1alpha1.LabelSource, "main"), name)
			g.Expect(now.Spec.ID).To(Equal(map[bool]string{true: "a", false: c.id}[c.id == ""]), name)
		}
	}
}

// TestTroubleWithRestoring: what somebody else was quicker with, or what is refused, is left to the next full sync.
func TestTroubleWithRestoring(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		left bool
	}{
		"quicker": {changedSince(kubetest.ATask("a", "other", 10)), true},
		"refused": {apierrors.NewBadRequest("no"), true},
		"out":     {errOut, false},
	} {
		g := NewWithT(t)
		storage, _ := newMoody(kubetest.ATask("a", "other", 10))
		storage.write = func() error { return c.err }
		x, entry := NewIndex(), mirror.EntryOf(kubetest.ATask("a", "other", 10))
		err := NewWriter(storage, storage, x).Restore(t.Context(), &mainScope, &entry, "a")
		_, failed := errors.AsType[*WriteError](err)
		g.Expect([]bool{err == nil, failed}).To(Equal([]bool{c.left, !c.left}), "%s: %v", name, err)
		g.Expect(x.writing).To(BeEmpty(), name)
	}
}

// wrote remembers what a writer tells of.
type wrote []*Change

func (w *wrote) Wrote(change *Change) { *w = append(*w, change) }

// TestTellsOfWhatWasWritten: once each, not of what failed, and of transitions that will not be sent. A source that sends no events lets
// none wait.
func TestTellsOfWhatWasWritten(t *testing.T) {
	g := NewWithT(t)
	waits := func(task *v1alpha1.LivepeerTask) {
		task.Status.Notifications = []v1alpha1.Transition{{Phase: "running"}}
	}
	a, b := kubetest.ATask("a", "main", 10), kubetest.ATask("b", "main", 11, waits)
	storage, api := newMoody(a, b)
	x := known(a, b)
	told := &wrote{}
	writer := NewWriter(storage, storage, x, told)
	g.Expect(writer.write(t.Context(), mainScope, statusOf(x, "a"))).To(Succeed())
	g.Expect(*told).To(ConsistOf(HaveField("Stored.Status.Phase", v1alpha1.PhaseFailed)))
	g.Expect(api.Tasks["a"].Status.Notifications).To(BeEmpty())

	*told = nil
	entry, _ := x.Lookup("media")("b")
	gone := plan.Action{Verb: plan.Delete, Stored: entry, Because: plan.BecauseHistory}
	storage.write = func() error { return errOut }
	g.Expect(writer.write(t.Context(), mainScope, gone)).NotTo(Succeed())
	g.Expect(writer.write(t.Context(), mainScope, statusOf(x, "a"))).NotTo(Succeed())
	g.Expect(*told).To(BeEmpty())
	storage.write = func() error { return nil }
	g.Expect(writer.write(t.Context(), mainScope, gone)).To(Succeed())
	g.Expect(*told).To(ConsistOf(And(HaveField("Lost", 1), HaveField("Stored", BeNil()))))
}
