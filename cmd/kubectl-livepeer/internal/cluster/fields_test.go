// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// fieldless is an API server of Kubernetes 1.30: it knows no field of a LivepeerTask but its name and namespace. It holds two tasks; the
// one that failed is retried when retry is set.
func fieldless(t *testing.T) (c *Client, retry *atomic.Bool) {
	t.Helper()
	retry = &atomic.Bool{}
	task := func(id, phase, version string) string {
		return `{"apiVersion":"studio.livepeer.org/v1alpha1","kind":"LivepeerTask","metadata":{"name":"` + id + `","namespace":"media",` +
			`"resourceVersion":"` + version + `"},"spec":{"id":"` + id + `","type":"upload","outputAssetId":"asset-` + id + `","inputAssetId":"from-` + id + `"},` +
			`"status":{"phase":"` + phase + `"}}`
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case query.Get("fieldSelector") != "" || query.Get("sendInitialEvents") != "":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"field label not supported: status.phase",`+
				`"reason":"BadRequest","code":400}`)
		case query.Get("watch") == "":
			fmt.Fprintf(w, `{"kind":"LivepeerTaskList","apiVersion":"studio.livepeer.org/v1alpha1","metadata":{"resourceVersion":"3"},`+
				`"items":[%s,%s]}`, task("a", "failed", "1"), task("b", "running", "2"))
		default:
			_ = http.NewResponseController(w).Flush()
			for !retry.Load() && r.Context().Err() == nil {
				<-time.After(10 * time.Millisecond)
			}
			event := map[string]json.RawMessage{"type": json.RawMessage(`"MODIFIED"`), "object": json.RawMessage(task("a", "waiting", "4"))}
			_ = json.NewEncoder(w).Encode(event)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	c, err := New(&rest.Config{Host: server.URL}, "media")
	if err != nil {
		t.Fatal(err)
	}
	return c, retry
}

func names(tasks []v1alpha1.LivepeerTask) (all []string) {
	for i := range tasks {
		all = append(all, tasks[i].Name)
	}
	slices.Sort(all)
	return all
}

// Where the API server can't select by fields, the same tasks are found, and each once.
func TestListSelectsByFieldsItself(t *testing.T) {
	c, _ := fieldless(t)
	for _, test := range []struct{ selectors, want []string }{
		{[]string{"status.phase=failed"}, []string{"a"}},
		{[]string{"status.phase=failed,spec.type=clip"}, nil},
		{[]string{"metadata.name=b", "spec.id=b", "spec.outputAssetId=asset-a", "spec.inputAssetId=asset-a"}, []string{"a", "b"}},
		{[]string{"spec.inputAssetId=from-b"}, []string{"b"}},
		{[]string{""}, []string{"a", "b"}},
	} {
		found, err := c.Tasks(t.Context(), test.selectors, "")
		if got := names(found); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q found %v, %v", test.selectors, got, err)
		}
	}
}

// A watch does so as well, and lets go what no longer is what was asked for.
func TestWatchSelectsByFieldsItself(t *testing.T) {
	c, retry := fieldless(t)
	watch := c.WatchTasks(t.Context(), []string{"status.phase=failed", "spec.id=c"}, "", func(*v1alpha1.LivepeerTask) {}, func(err error) {
		t.Log(err)
	})
	limit := time.After(time.Minute)
	for _, want := range [][]string{{"a"}, nil} {
		for {
			if found, synced := watch.Items(); synced && slices.Equal(names(found), want) {
				break
			}
			select {
			case <-watch.Changed:
			case <-limit:
				found, synced := watch.Items()
				t.Fatalf("%v, %v: not %v", names(found), synced, want)
			}
		}
		retry.Store(true)
	}
}
