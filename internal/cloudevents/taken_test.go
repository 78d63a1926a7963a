// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// TestPausesGrowWhereNothingIsTakenAway: where the sink takes an event, and the API server not the write that notes it, the
// sink does not get the same event once a second for ever.
func TestPausesGrowWhereNothingIsTakenAway(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	to, err := NewSink(SinkConfig{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(to.Close)
	task := &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "a", UID: "a", ResourceVersion: "7"},
		Spec:       v1alpha1.LivepeerTaskSpec{ID: "a"},
		Status:     v1alpha1.LivepeerTaskStatus{Notifications: []v1alpha1.Transition{{Phase: v1alpha1.PhaseFailed}}},
	}
	api := &failingAPI{failing: true, API: &kubetest.API{
		Tasks: map[string]*v1alpha1.LivepeerTask{"a": task}, Version: 100, Writing: func(_, _ *v1alpha1.LivepeerTask) {},
	}}
	index := taskstore.NewIndex()
	measured, err := NewMetrics(prometheus.NewRegistry(), index.WaitingTasks)
	if err != nil {
		t.Fatal(err)
	}
	r := New(Config{Index: index, Writer: taskstore.NewWriter(kubetest.Storage{Client: api}, api, index), Metrics: measured, Now: time.Now})
	source := &v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "main", UID: "main"}}
	state, sink, pause := &sending{}, to, time.Duration(0)
	step := func() error {
		state.begin(sink, 0)
		sent, err := r.sendTask(t.Context(), &job{source: source, sink: sink, state: state}, "a", time.Now().Add(time.Hour))
		pause = state.stepWith(sink, sent, err, time.Now())
		return err
	}
	for range 5 {
		if err := step(); err == nil {
			t.Fatal("the write has not failed")
		}
	}
	if pause < 8*sinkPause {
		t.Errorf("%s after 5 turns", pause)
	}
	api.failing = false
	if err := step(); err != nil || len(api.Tasks["a"].Status.Notifications) != 0 {
		t.Errorf("%v: %v", err, api.Tasks["a"].Status.Notifications)
	}
	api.Tasks["a"] = task
	earlier := &outgoing{key: client.ObjectKeyFromObject(task), uid: "another", waiting: task.Status.Notifications}
	if err := r.acknowledge(t.Context(), source, earlier, 1); err != nil || len(api.Tasks["a"].Status.Notifications) != 1 {
		t.Errorf("what was sent of an earlier task of the name is taken from this one: %v", err)
	}
}
