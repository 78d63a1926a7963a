// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"hash/maphash"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// TestAPollWaitsForNoFullSync: what a full sync is writing does not end. A poll that shows some of it again, as it is, has nothing to write,
// and is at its end. A newer state of a task waits for the batch that has the older one, and for none behind it.
func TestAPollWaitsForNoFullSync(t *testing.T) {
	g := NewWithT(t)
	redactor := redact.New("key")
	s := &syncer{
		Config: &Config{Index: taskstore.NewIndex(), Clock: clock.RealClock{}},
		Job:    &Job{Source: kubetest.ASource(), State: &State{}, Connection: &recheck.Connection{Redactor: redactor}},
	}
	s.State.HashSeed = maphash.MakeSeed()
	task := func(id, phase string) *studio.Task {
		raw := []byte(`{"id":"` + id + `","type":"upload","createdAt":1,"status":{"phase":"` + phase + `","updatedAt":2}}`)
		return &studio.Task{ID: id, UpdatedAt: 2, Raw: raw}
	}
	write := func(task *studio.Task) {
		observation, err := mirror.Convert(task.Raw, redactor)
		g.Expect(err).NotTo(HaveOccurred())
		observation.Fingerprint = maphash.Bytes(s.State.HashSeed, task.Raw)
		s.batches = append(s.batches, &batch{observed: []*mirror.Observation{observation}, done: make(chan struct{})})
	}
	for _, id := range []string{"a", "b", "c"} {
		write(task(id, "running"))
	}
	s.State.poll = &pollPass{Pass: &studio.Pass{}}
	s.take(s.State.poll.Pass, task("b", "running"))
	g.Expect(s.State.pending).To(BeEmpty())
	g.Expect(s.waitPolled()).To(Succeed())
	g.Expect(s.batches).To(HaveLen(3), "they are still being written")

	s.take(s.State.poll.Pass, task("d", "running"))
	rest, stored := s.rest()
	g.Expect([]any{rest, stored}).To(Equal([]any{maxBatches + 1, false}), "a new task waits for none")
	s.take(s.State.poll.Pass, task("b", "completed"))
	rest, stored = s.rest()
	g.Expect([]any{rest, stored}).To(Equal([]any{1, true}))
}

// TestAPollRemembersWhatMatters: while a full sync is under way, which of the stored tasks polls have seen, and not all that a Studio makes up:
// that would fill the memory, for as long as it lets the full sync last.
func TestAPollRemembersWhatMatters(t *testing.T) {
	g := NewWithT(t)
	s := &syncer{
		Config: &Config{Index: taskstore.NewIndex(), Clock: clock.RealClock{}},
		Job:    &Job{Source: kubetest.ASource(), State: &State{}, Connection: &recheck.Connection{Redactor: redact.New("key")}},
	}
	s.State.HashSeed = maphash.MakeSeed()
	s.Source.Spec.Types = []string{"clip"}
	s.State.full = &fullSync{pass: &studio.Pass{}, alive: map[string]bool{}}
	s.State.Health.Rejected.Add("Refused", "why")
	s.Index.See(&v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Source.Namespace, Name: "stored", UID: "1", ResourceVersion: "1"},
		Spec:       v1alpha1.LivepeerTaskSpec{ID: "Stored"},
	})
	poll := &studio.Pass{}
	for _, id := range []string{"Stored", "Refused", "made-up", "Made up"} {
		s.take(poll, &studio.Task{ID: id, UpdatedAt: 2, Raw: []byte(`{"id":"` + id + `","type":"upload","status":{"updatedAt":2}}`)})
	}
	g.Expect(s.State.full.alive).To(And(HaveLen(2), HaveKey("Stored"), HaveKey("Refused")))
}
