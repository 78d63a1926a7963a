// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"bytes"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/metrics"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestElementsWithoutAUsableID: what of Studio's list has no ID is left out, while all else is mirrored; the condition says how many
// there are, until a full sync meets none, and a metric counts them.
func TestElementsWithoutAUsableID(t *testing.T) {
	a := quietAccount(t, 40)
	registry := prometheus.NewRegistry()
	measured := metrics.New(registry, func(metrics.Source, types.UID, func(string, string, int)) {})
	registry.MustRegister(measured)
	measured.Follow(keyOf(a.process.source()))
	a.process.engine.Metrics, a.process.engine.steps.Metrics = measured, measured
	var odd atomic.Bool
	odd.Store(true)
	a.studio.Fault(func(*http.Request) livepeertest.Fault {
		return livepeertest.Fault{Edit: func(r *http.Request, answer *livepeertest.Answer) {
			if rest, list := bytes.CutPrefix(answer.Body, []byte(`[{`)); list && livepeertest.IsList(r) && odd.Load() {
				answer.Body = append([]byte(`[{"type":"upload"},{"id":7,"type":"clip"},{`), rest...)
			}
		}}
	})
	a.sync("at first")
	reason, message := a.ready()
	if reason != v1alpha1.ReasonSynced || !strings.HasSuffix(message, "; 2 elements of the list have no usable id and are left out") {
		t.Errorf("%s: %s", reason, message)
	}
	if len(a.api.Tasks) != 40 {
		t.Errorf("%d tasks are mirrored", len(a.api.Tasks))
	}
	counted := func() float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() == metrics.Unusable {
				return family.Metric[0].GetCounter().GetValue()
			}
		}
		return 0
	}
	if counted() < 2 {
		t.Errorf("%v are counted", counted())
	}
	odd.Store(false)
	before := counted()
	a.sync("again")
	if reason, message = a.ready(); reason != v1alpha1.ReasonSynced || strings.Contains(message, "left out") || counted() != before {
		t.Errorf("%s: %s; %v more are counted", reason, message, counted()-before)
	}
}

// TestAnIDThatNobodyCanAskFor: a task whose ID would lead to something else than a task can't be asked for once it is gone. It stays, and
// keeps neither the full sync nor what else is gone waiting.
func TestAnIDThatNobodyCanAskFor(t *testing.T) {
	a := quietAccount(t, 3)
	for _, id := range []string{".", ".."} {
		a.studio.Put(livepeertest.Task{
			"id": id, "type": "clip", "createdAt": a.clock.UnixMilli(), "status": map[string]any{"phase": "running", "updatedAt": a.clock.UnixMilli()},
		})
	}
	a.sync("at first")
	if len(a.api.Tasks) != 5 {
		t.Fatalf("%d tasks are mirrored", len(a.api.Tasks))
	}
	for _, id := range []string{".", "..", uuid(0)} {
		a.studio.Purge(id)
		a.deleted.Store(id, true)
	}
	a.sync("gone")
	if reason, message := a.ready(); reason != v1alpha1.ReasonSynced || a.mirrors(0) || len(a.api.Tasks) != 4 {
		t.Errorf("%d tasks are mirrored, the gone one is: %v; %s: %s", len(a.api.Tasks), a.mirrors(0), reason, message)
	}
}
