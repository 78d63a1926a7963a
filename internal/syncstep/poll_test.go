// SPDX-License-Identifier: Apache-2.0

package syncstep

import (
	"hash/maphash"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/clock"

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
