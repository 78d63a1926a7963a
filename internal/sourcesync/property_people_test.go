// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// TestEditsDeleteNothing: people change what is mirrored, in every way that they can, between any two steps of full syncs, polls,
// pushes and repairs. What Studio still has is never deleted. Once all is quiet, two full syncs make the mirror equal to Studio,
// save for objects that nobody can put right any more: their ID, owner or label was edited and their task is gone.
func TestEditsDeleteNothing(t *testing.T) {
	before := debug.SetGCPercent(400)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	const schedules = 8
	for part := range uint64(schedules) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for n := range uint64(runsOfAKind) {
				seed := part + n*schedules
				a := newAccount(t, seed, livepeertest.Fault{})
				a.people = &people{account: a, random: rand.New(rand.NewPCG(seed, 1)), born: map[types.UID]string{}}
				a.start()
				a.people.live()
			}
		})
	}
}

// people change what is mirrored. Their methods do nothing where there are none.
type people struct {
	account *account
	random  *rand.Rand
	edits   int
	born    map[types.UID]string // the IDs that objects were made with
	// contentOnly: people leave alone what tells whose an object is. They also remake objects, and delete them with finalizers.
	contentOnly bool
}

// meetTwins reports whether there may be IDs that differ in case only. Where there are, people leave IDs alone.
func (p *people) meetTwins() bool { return p == nil || p.account.seed%2 == 0 }

// start lets a new process of the operator put right what people change.
func (p *people) start() {
	if p == nil {
		return
	}
	process := p.account.process
	process.index.NotifyExternalChanges(func(task taskstore.TaskRef) {
		if task.Source != "" && task.ID != "" {
			process.engine.Recheck(types.NamespacedName{Namespace: task.Namespace, Name: task.Source}, task.ID, plan.ExternalChange)
		}
	})
}

// rest waits until all that was changed has been looked at, once all is quiet.
func (p *people) rest() {
	if p != nil && p.account.quiet.Load() {
		NewWithT(p.account.t).Eventually(p.account.process.asking, soon, time.Millisecond).Should(BeFalse())
	}
}

func (p *people) live() {
	a := p.account
	defer a.server.Close()
	defer func() { a.process.end() }()
	for range 1 + a.random.IntN(30) {
		a.create()
	}
	a.api.Writing = p.writing
	a.sync("first") // all is there before anybody meddles
	a.api.Meddle = func() { p.meddle(12) }
	a.studio.Fault(func(r *http.Request) livepeertest.Fault {
		p.whileAsked()
		return a.request(r)
	})
	for n := range 1 + a.walk.IntN(6) {
		if a.walk.IntN(2) == 0 {
			a.api.Annotate(v1alpha1.AnnotationRequestedAt, fmt.Sprint("churn ", n))
		}
		a.step()
	}
	a.silence()
	p.rest()
	a.sync("repairs")
	a.sync("deletes what was adopted")
	a.sync("deletes what was adopted late")
	p.equal()
}

// whileAsked lets something happen while the operator waits for Studio: edits, pushes, and what the cluster tells of both.
func (p *people) whileAsked() {
	a := p.account
	if a.quiet.Load() {
		return
	}
	a.api.Mu.Lock()
	p.meddle(2)
	var pushed string
	echoes := p.random.IntN(8)
	if ids := a.studio.IDs(); len(ids) > 0 && p.random.IntN(4) == 0 {
		pushed = ids[p.random.IntN(len(ids))]
	}
	a.api.Mu.Unlock()
	process := a.running.Load()
	if pushed != "" {
		process.engine.Push(keyOf(process.source()), pushed, 0, time.Now())
	}
	process.echo(echoes)
}

// meddle makes an edit one time in n. The caller holds the API server's lock.
func (p *people) meddle(n int) {
	a := p.account
	if a.quiet.Load() || len(a.api.Tasks) == 0 || p.random.IntN(n) > 0 {
		return
	}
	var names []string
	for name := range a.api.Tasks {
		names = append(names, name)
	}
	slices.Sort(names)
	stored := a.api.Tasks[names[p.random.IntN(len(names))]]
	if p.random.IntN(12) == 0 || stored.DeletionTimestamp != nil {
		p.remove(stored)
		if p.contentOnly && p.random.IntN(2) == 0 {
			p.again(stored)
		}
		return
	}
	next := stored.DeepCopy()
	p.edit(next)
	if mirror.SpecDigest(&v1alpha1.LivepeerTask{Spec: next.Spec}) != mirror.SpecDigest(&v1alpha1.LivepeerTask{Spec: stored.Spec}) {
		next.Generation++
	}
	a.api.Version++
	next.ResourceVersion = strconv.Itoa(a.api.Version)
	a.api.Tasks[next.Name] = next
	a.api.Echoes = append(a.api.Echoes, kubetest.Event{Before: stored, After: next})
}

// edit changes a task in one of the ways that people can.
func (p *people) edit(task *v1alpha1.LivepeerTask) { //nolint:funlen // One case for each way.
	p.edits++
	foreign := func(part, field string) {
		task.ManagedFields = append(task.ManagedFields, metav1.ManagedFieldsEntry{
			Manager: "kubectl-edit", FieldsV1: metav1.NewFieldsV1(`{"` + part + `":{"` + field + `":{}}}`),
		})
	}
	owner := func(change func(*metav1.OwnerReference)) {
		if len(task.OwnerReferences) > 0 {
			change(&task.OwnerReferences[0])
		}
	}
	way := p.random.IntN(14)
	if p.contentOnly {
		way = []int{4, 5, 11, 12, 13, 14}[p.random.IntN(6)]
	}
	if way < 4 && p.meetTwins() { // where two IDs meet, nobody can tell any more whose object it was
		return
	}
	switch way {
	case 0:
		task.Spec.ID = fmt.Sprint("edited-", p.edits)
		foreign("f:spec", "f:id")
	case 1:
		task.Spec.ID = strings.ToUpper(task.Spec.ID)
		foreign("f:spec", "f:id")
	case 2:
		task.Spec.ID = strings.ToLower(task.Spec.ID)
		foreign("f:spec", "f:id")
	case 3:
		ids := p.account.studio.IDs()
		if len(ids) == 0 {
			return
		}
		task.Spec.ID = ids[p.random.IntN(len(ids))]
		foreign("f:spec", "f:id")
	case 4:
		task.Spec.Type = []string{"upload", "clip", "export", "edited"}[p.random.IntN(4)]
		foreign("f:spec", "f:type")
	case 5:
		task.Spec.ProjectID = fmt.Sprint("edited-", p.edits)
		foreign("f:spec", "f:projectId")
	case 6:
		task.OwnerReferences = nil
	case 7:
		owner(func(o *metav1.OwnerReference) { o.UID = "uid-of-an-earlier-main" })
	case 8:
		owner(func(o *metav1.OwnerReference) { o.UID, o.Name = "uid-of-other", "other" })
	case 9:
		metav1.SetMetaDataLabel(&task.ObjectMeta, v1alpha1.LabelSource, "other")
	case 10:
		task.Labels = nil
	case 11:
		task.Status.Phase = []string{"completed", "running", "edited"}[p.random.IntN(3)]
		foreign("f:status", "f:phase")
	case 12:
		metav1.SetMetaDataLabel(&task.ObjectMeta, "team", fmt.Sprint(p.edits))
	case 13:
		task.Status.UpdatedAt = &metav1.MicroTime{Time: p.account.now().Add(time.Duration(p.random.IntN(100)-50) * time.Hour)}
		foreign("f:status", "f:updatedAt")
	case 14:
		task.DeletionTimestamp = &metav1.Time{Time: p.account.now()}
	}
}

// again makes an object anew as somebody has saved it, without a status. The caller holds the lock. Not under another name than its first,
// since it might soon be there twice, nor with an edited type: such an object may be out of scope, as far as anybody can tell.
func (p *people) again(saved *v1alpha1.LivepeerTask) {
	api := p.account.api
	task, _ := p.account.studio.Get(saved.Spec.ID)
	if saved.Name != mirror.Names(saved.Spec.ID)[0] || task["type"] != saved.Spec.Type {
		return
	}
	next := saved.DeepCopy()
	next.UID, next.Generation, next.DeletionTimestamp = types.UID(fmt.Sprint("uid-again-", api.Version)), 1, nil
	next.Status = v1alpha1.LivepeerTaskStatus{ObservedGeneration: -1}
	p.born[next.UID] = p.born[saved.UID]
	api.Version++
	next.ResourceVersion = strconv.Itoa(api.Version)
	api.Tasks[next.Name] = next
	api.Echoes = append(api.Echoes, kubetest.Event{After: next})
}

// writing looks at what the operator is about to write.
func (p *people) writing(before, after *v1alpha1.LivepeerTask) {
	switch {
	case before == nil:
		p.born[after.UID] = after.Spec.ID
	case after == nil && !p.account.isDeleted(p.born[before.UID]) && p.account.inScope(p.born[before.UID]):
		p.account.t.Errorf("seed %d: the object of %q is deleted, as %+v, but is in Studio",
			p.account.seed, p.born[before.UID], mirror.EntryOf(before))
	}
}

// equal fails unless the mirror holds what is in Studio, and besides only what nobody can put right: objects whose task is gone, and
// whose name does not tell the ID, or whose owner is another; objects that neither owner nor label show to be this source's any more; and
// those whose ID was made anew with a type that is not this source's, where owner or label was edited to be another's.
func (p *people) equal() {
	a := p.account
	a.t.Helper()
	scope := plan.Scope{Source: a.api.Source.Name, SourceUID: a.api.Source.UID}
	for name, task := range a.api.Tasks {
		entry := mirror.EntryOf(task)
		named := entry.OwnerUID == scope.SourceUID || entry.OwnerName == scope.Source || entry.SourceLabel == scope.Source
		id := p.born[task.UID]
		told := len(entry.PossibleIDs()) > 0
		exists := slices.Contains(a.studio.IDs(), id) // maybe again, after it was deleted
		another := entry.OwnerName == "other" || entry.SourceLabel == "other"
		switch {
		case exists && !a.inScope(id) && another: // its ID is made anew, with a type that may be the other source's
			delete(a.api.Tasks, name)
		case !exists && (entry.OwnerUID != scope.SourceUID || !told && (entry.EditedID || !entry.LeadsToName())):
			delete(a.api.Tasks, name)
		case !named:
			delete(a.api.Tasks, name)
			a.studio.Purge(id)
			maps.DeleteFunc(a.api.Tasks, func(_ string, again *v1alpha1.LivepeerTask) bool { return p.born[again.UID] == id })
		}
	}
	a.equal()
}
