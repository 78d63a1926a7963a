// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// haltingly answers what a poll asks for with so many tasks, and with the rest once it may go on.
func haltingly(studio http.Handler, first int, goOn <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		studio.ServeHTTP(whole, r)
		var tasks []json.RawMessage
		isPoll := strings.Contains(r.URL.Query().Get("filters"), "gte")
		if !isPoll || json.Unmarshal(whole.Body.Bytes(), &tasks) != nil || len(tasks) <= first {
			maps.Copy(w.Header(), whole.Header())
			w.WriteHeader(whole.Code)
			_, _ = w.Write(whole.Body.Bytes())
			return
		}
		part, _ := json.Marshal(tasks[:first])
		rest, _ := json.Marshal(tasks[first:])
		part[len(part)-1] = ','
		_, _ = w.Write(part)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-goOn:
		case <-r.Context().Done():
		}
		_, _ = w.Write(rest[1:])
	})
}

// take takes all slots, as sources in many namespaces do.
func take(gate *fair.Gate) {
	for n := 0; ; n++ {
		taken := 0
		for ok := true; ok; taken++ {
			_, ok = gate.TryAcquire(types.NamespacedName{Namespace: fmt.Sprintf("other-%d", n)})
		}
		if taken == 1 {
			return
		}
	}
}

// TestAPollNeedsLittleRoom: others have taken all room. A poll that finds many changes holds a few of them only, and has these written before
// it takes more, though its answer has not ended. All are stored in the end.
func TestAPollNeedsLittleRoom(t *testing.T) {
	g := NewWithT(t)
	const tasks, first = 60, 49 // fewer than are written at once otherwise
	studio, goOn := livepeertest.NewServer(), make(chan struct{})
	studio.Populate(tasks, 1)
	server := httptest.NewServer(haltingly(studio, first, goOn))
	defer server.Close()
	api := kubetest.NewAPI(server.URL)
	api.Source.Spec.Interval.Duration = time.Second
	p := newProcess(t, api, time.Now)
	for p.source().Status.LastFullSyncTime == nil {
		p.step()
	}
	g.Expect(api.Tasks).To(HaveLen(tasks))

	take(p.engine.steps.Room)
	for _, id := range studio.IDs() {
		studio.Update(id, func(task livepeertest.Task) { task["status"].(map[string]any)["updatedAt"] = time.Now().UnixMilli() })
	}
	writes := func() int {
		p.engine.Sync(p.source())
		api.Mu.Lock()
		defer api.Mu.Unlock()
		return api.Writes - 2*tasks // for the new ones
	}
	g.Eventually(writes, soon).Should(And(BeNumerically(">", 0), BeNumerically("<=", first)))
	close(goOn)
	g.Eventually(writes, soon).Should(Equal(tasks))
}
