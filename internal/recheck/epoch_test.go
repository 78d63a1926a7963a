// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// TestRenewWaitsForWhatIsBeingWritten: what a question writes for an earlier source is there before that of the new source is listed. It
// is asked again, for the new one.
func TestRenewWaitsForWhatIsBeingWritten(t *testing.T) {
	g := NewWithT(t)
	a := newAsked(t, oneTask("a", at).ServeHTTP)
	a.Renew(With{Source: "uid-of-main"})
	writing, written := make(chan struct{}), make(chan struct{})
	a.Writing = func(before, _ *v1alpha1.LivepeerTask) {
		if before == nil {
			close(writing)
			<-written
		}
	}
	a.Recheck("a", plan.ExternalChange)
	g.Eventually(writing, soon).Should(BeClosed())
	a.source.again()
	before, early := a.epoch, make(chan bool, 1)
	go func() {
		a.Renew(With{Source: "again"})
		select {
		case <-written:
			early <- false
		default:
			early <- true
		}
	}()
	g.Eventually(before.ctx.Done(), soon).Should(BeClosed())
	close(written)
	g.Eventually(early, soon).Should(Receive(BeFalse()))
	a.ended(g)
	g.Expect(a.questions.Load()).To(BeEquivalentTo(2))
	g.Expect(a.Tasks["a"].OwnerReferences[0].UID).To(BeEquivalentTo("again"))
}

// TestRenewEndsWhatIsOfNoUse: questions under way, unless they are asked with the same as before. A step's are not asked again.
func TestRenewEndsWhatIsOfNoUse(t *testing.T) {
	g := NewWithT(t)
	asked, ended := make(chan struct{}, 10), make(chan struct{}, 10)
	a := newAsked(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
		ended <- struct{}{}
	})
	a.Renew(With{Source: "uid-of-main", Generation: 1})
	asking := a.NewAsking(plan.Missing, connectTo(t, a.Source.Spec.URL))
	asking.Ask("a")
	<-asked
	a.Renew(With{Source: "uid-of-main", Generation: 1})
	g.Expect(a.epoch.ctx.Err()).NotTo(HaveOccurred())
	a.Renew(With{Source: "uid-of-main", Generation: 2})
	g.Eventually(ended, soon).Should(Receive())
	g.Eventually(asking.answers, soon).Should(Receive(HaveField("NotAsked", true)))
	a.ended(g)
	g.Expect(a.Idle()).To(BeTrue())
	g.Expect(asked).NotTo(Receive())
}

// again has the source made anew.
func (s *aSource) again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.LivepeerTaskSource = s.DeepCopy()
	s.UID = "again"
}
