// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// closedTo reports what a push at this time comes to: whether it is left to a poll, and whether that needs a turn.
func (p *progress) closedTo(now time.Time) []bool {
	open, wake := p.standing.open(now)
	return []bool{!open, wake}
}

func TestAWantedPollBeginsAtOnceAndCoversWhatCameBefore(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	p := &progress{nextPoll: now.Add(time.Hour), nextFull: now.Add(time.Hour)}
	g.Expect(p.closedTo(now)).To(Equal([]bool{false, false}))
	g.Expect(p.standing.want()).To(BeTrue())
	g.Expect(p.standing.want()).To(BeFalse(), "it has its turn already")
	g.Expect(p.closedTo(now)).To(Equal([]bool{true, false}), "the poll to come covers it")
	p.settle(now)
	g.Expect(p.nextPoll).To(Equal(now))
	g.Expect(p.closedTo(now)).To(Equal([]bool{true, true}), "the poll may be past it: another one")
	p.nextPoll = now.Add(time.Hour) // as after the poll
	p.publish(now)
	g.Expect(p.nextPoll).To(Equal(now.Add(pollSoonEvery)), "and not sooner than that")
	p.settle(now)
	g.Expect(p.closedTo(now)).To(Equal([]bool{true, false}))
	now = now.Add(pollSoonEvery)
	p.settle(now)
	p.nextPoll = now.Add(time.Hour)
	p.publish(now)
	g.Expect(p.closedTo(now)).To(Equal([]bool{false, false}))
	g.Expect(p.nextPoll).To(Equal(now.Add(time.Hour)))
}

func TestAPollUnderWayIsNotTheWantedOne(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	p := &progress{poll: &pollPass{}, nextPoll: now.Add(time.Hour)}
	p.standing.want()
	p.settle(now)
	p.publish(now)
	g.Expect(p.standing.wanted).To(BeTrue())
	p.poll = nil
	p.publish(now)
	g.Expect(p.nextPoll).To(Equal(now))
}

// Before its first turn has ended, a source has not said what history has left out.
func TestNothingIsAskedForBeforeTheFirstTurn(t *testing.T) {
	g := NewWithT(t)
	r := &SourceReconciler{states: map[types.NamespacedName]*progress{}, index: taskstore.NewIndex(), now: time.Now}
	source := &v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "main", UID: "u"}}
	g.Expect(r.standing(sourceKey(source))).To(BeNil())
	state := r.progress(source)
	g.Expect(state.closedTo(time.Now())).To(Equal([]bool{true, true}))
	state.floor = mirror.Stamp{UpdatedAt: 7}
	state.publish(time.Now())
	g.Expect(r.standing(sourceKey(source)).floorNow()).To(Equal(state.floor))
}

func TestWhatStudioToldAPushHoldsForPolls(t *testing.T) {
	g := NewWithT(t)
	now := time.Now()
	p := &progress{}
	p.standing.tell(now.Add(time.Minute))
	p.standing.tell(now.Add(time.Second))
	g.Expect(p.closedTo(now)).To(Equal([]bool{true, false}))
	p.settle(now)
	g.Expect(p.retryAt).To(Equal(now.Add(time.Minute)))
	g.Expect(p.retryFixed).To(BeTrue())
	g.Expect(p.wait(now)).To(Equal(time.Minute))
	g.Expect(p.closedTo(now)).To(Equal([]bool{true, false}))
	g.Expect(p.closedTo(now.Add(2 * time.Minute))).To(Equal([]bool{false, false}))
}

// What pushes create while a full sync runs is not missing, though the listing did not show it.
func TestPushedTasksAreNotMissing(t *testing.T) {
	g := NewWithT(t)
	p := &progress{full: &fullSync{}}
	p.standing.wrote("new", false)
	p.settle(time.Now())
	g.Expect(p.standing.hasCreated("new")).To(BeTrue())
	p.full = nil
	p.settle(time.Now())
	g.Expect(p.standing.hasCreated("new")).To(BeFalse())

	p.standing.wrote("", true)
	g.Expect(p.standing.tooFull()).To(BeTrue())
	g.Expect(p.standing.tooFull()).To(BeFalse())
}

func TestReceptionIsReadyWhenAllHaveArrived(t *testing.T) {
	g := NewWithT(t)
	r := &reception{}
	g.Expect(r.ready()).To(BeFalse(), "nobody has said which there are")
	a, b := types.NamespacedName{Name: "a"}, types.NamespacedName{Name: "b"}
	r.awaited, r.listed = map[types.NamespacedName]struct{}{a: {}, b: {}}, true
	r.arrived(a)
	g.Expect(r.ready()).To(BeFalse())
	r.forget(b)
	g.Expect(r.ready()).To(BeTrue())
}

func TestStaleDeliveriesAreToldNowAndThen(t *testing.T) {
	g := NewWithT(t)
	r, key, now := &reception{}, types.NamespacedName{Name: "a"}, time.Now()
	late := func(at time.Time) bool { return r.tooLate(key, at) }
	g.Expect([]bool{late(now), late(now), late(now), late(now)}).To(Equal([]bool{false, false, true, false}))
	g.Expect(late(now.Add(staleTold))).To(BeTrue())
	r.inTime(key)
	g.Expect(late(now.Add(2*staleTold))).To(BeFalse(), "a replay between good ones")
}
