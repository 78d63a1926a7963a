// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// newRarelyListed returns an account whose next regular full sync is far away.
func newRarelyListed(t *testing.T) *steered {
	t.Helper()
	s := newSteered(t)
	s.api.Mu.Lock()
	source := s.api.Source.DeepCopy()
	source.Spec.ResyncInterval.Duration = 1000 * time.Hour
	source.Generation++
	s.api.Source = source
	s.api.Mu.Unlock()
	s.ahead.Add(int64(time.Minute)) // times in a status are whole seconds
	s.syncs(t)
	s.rest()
	return s
}

// goesSoon lets two minutes pass, in which the object has to go.
func (s *steered) goesSoon(g *WithT, id string) {
	for range 24 {
		s.ahead.Add(int64(5 * time.Second))
		s.rest()
	}
	g.Expect(s.names()).To(And(HaveLen(4), Not(ContainElement(id))))
}

// TestAnEditedObjectOfAGoneTaskGoes: nothing puts it right any more, so that it would be shown as somebody edited it until the next full sync.
func TestAnEditedObjectOfAGoneTaskGoes(t *testing.T) {
	g := NewWithT(t)
	s := newRarelyListed(t)
	id := s.studio.IDs()[0]
	s.studio.Purge(id)
	s.engine.Recheck(keyOf(s.source()), id, plan.ExternalChange)
	s.goesSoon(g, id)
}

// TestWhatStudioCouldNotReadAndIsGoneGoes: an internal error each time that a full sync asks for the missing task, and then it is gone.
func TestWhatStudioCouldNotReadAndIsGoneGoes(t *testing.T) {
	g := NewWithT(t)
	s := newRarelyListed(t)
	id := s.studio.IDs()[0]
	s.studio.Purge(id)
	s.studio.Fault(func(r *http.Request) livepeertest.Fault {
		if strings.HasSuffix(r.URL.Path, id) {
			return livepeertest.Replace(http.StatusInternalServerError, "application/json", `{"errors":["boom"]}`)
		}
		return livepeertest.Fault{}
	})
	s.api.Annotate(v1alpha1.AnnotationRequestedAt, "now")
	s.rest()
	g.Expect(s.names()).To(ContainElement(id))
	s.studio.Fault(nil)
	s.goesSoon(g, id)
}
