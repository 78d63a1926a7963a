// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestAQuestionThatHangsIsExplained: Studio lists tasks, and does not answer about a single one.
func TestAQuestionThatHangsIsExplained(t *testing.T) {
	a := quietAccount(t, 5)
	a.sync("at first")
	a.purge(0, 1)
	a.studio.Fault(func(r *http.Request) livepeertest.Fault {
		if strings.HasPrefix(r.URL.Path, "/api/task/") {
			<-r.Context().Done()
		}
		return livepeertest.Fault{}
	})
	a.api.Mu.Lock()
	a.api.Source = a.api.Source.DeepCopy()
	a.api.Source.Spec.Timeout.Duration = 100 * time.Millisecond
	a.api.Mu.Unlock()
	a.api.Annotate(v1alpha1.AnnotationRequestedAt, "again")
	reason, message := "", ""
	for range 10 {
		if a.step(); reason != v1alpha1.ReasonUnavailable {
			reason, message = a.ready()
		}
	}
	if reason != v1alpha1.ReasonUnavailable || !strings.HasPrefix(message, "The API did not answer") || len(a.api.Tasks) != 5 {
		t.Errorf("%d tasks; %s: %s", len(a.api.Tasks), reason, message)
	}
}
