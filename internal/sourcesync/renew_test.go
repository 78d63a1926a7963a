// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/internal/plan"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestAQuestionThatHangsEndsWithWhatItWasFor: what it might still write would be for an earlier spec or account, or have an owner that is gone,
// so it ends before anything is listed. Then it is asked again.
func TestAQuestionThatHangsEndsWithWhatItWasFor(t *testing.T) {
	for name, change := range otherwise {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t)
			const id = "edited"
			var questions atomic.Int32
			ended := make(chan struct{})
			w.studio.Fault(func(r *http.Request) livepeertest.Fault {
				switch {
				case livepeertest.IsList(r):
					select {
					case <-ended:
					case <-time.After(soon):
						t.Error("lists while the question is under way")
					}
				case strings.HasSuffix(r.URL.Path, id) && questions.Add(1) == 1:
					<-r.Context().Done()
					close(ended)
				}
				return livepeertest.Fault{}
			})
			w.Recheck(keyOf(w.spec), id, plan.ExternalChange)
			w.Eventually(questions.Load, soon, time.Millisecond).Should(BeEquivalentTo(1))
			w.spec = w.spec.DeepCopy()
			change(w)
			w.syncsAnew()
			w.Eventually(questions.Load, soon, time.Millisecond).Should(BeEquivalentTo(2))
		})
	}
}
