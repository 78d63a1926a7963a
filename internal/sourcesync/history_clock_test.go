// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestAClockThatWasAheadKeepsNothingOut: the operator's clock is 30 days ahead for one full sync, which removes what maxAge does not keep.
// Once it is right again, what was removed comes back, and what ends later is mirrored.
func TestAClockThatWasAheadKeepsNothingOut(t *testing.T) {
	g := NewWithT(t)
	s := newSteered(t)
	s.rest()
	s.api.Mu.Lock()
	s.api.Source = s.api.Source.DeepCopy()
	s.api.Source.Spec.History.MaxAge = &metav1.Duration{Duration: 7 * 24 * time.Hour}
	s.api.Source.Generation++
	s.api.Mu.Unlock()
	s.rest()
	completes := func(id string) {
		at := time.Now().UnixMilli()
		s.studio.Put(livepeertest.Task{
			"id": id, "type": "upload", "createdAt": at, "status": map[string]any{"phase": "completed", "updatedAt": at},
		})
	}
	sync := func(request string) {
		s.api.Annotate(v1alpha1.AnnotationRequestedAt, request)
		g.Eventually(func() string {
			s.step()
			return s.source().Status.LastHandledReconcileAt
		}, soon).Should(Equal(request))
	}
	completes("before")
	sync("1")
	g.Expect(s.names()).To(ContainElement("before"))
	s.ahead.Store(int64(30 * 24 * time.Hour))
	sync("2")
	g.Expect(s.names()).NotTo(ContainElement("before"))
	s.ahead.Store(0)
	completes("after")
	sync("3")
	g.Expect(s.names()).To(ContainElements("before", "after"))
}
