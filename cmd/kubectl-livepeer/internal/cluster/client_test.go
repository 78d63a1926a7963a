// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Pages that expire while they are read are read again, at once, and nothing is there twice.
func TestListBeginsAgainWhereAPageHasExpired(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		asked = append(asked, query.Get("limit")+" "+query.Get("continue"))
		w.Header().Set("Content-Type", "application/json")
		item := func(name string) string { return `{"metadata":{"name":"` + name + `"},"spec":{"id":"` + name + `"}}` }
		switch {
		case query.Get("limit") == "":
			fmt.Fprintf(w, `{"metadata":{},"items":[%s,%s]}`, item("a"), item("b"))
		case query.Get("continue") == "":
			fmt.Fprintf(w, `{"metadata":{"continue":"next"},"items":[%s]}`, item("a"))
		default:
			w.WriteHeader(http.StatusGone)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}`)
		}
	}))
	t.Cleanup(server.Close)
	c, err := New(&rest.Config{Host: server.URL}, "media")
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := c.Tasks(t.Context(), []string{"status.phase=failed"}, "")
	if err != nil || len(tasks) != 2 || tasks[0].Name != "a" || tasks[1].Name != "b" {
		t.Errorf("%v, %v", tasks, err)
	}
	if got := strings.Join(asked, "|"); got != "500 |500 next| " {
		t.Error(got)
	}
}

// TestHowAWatchEnds: what happens each few minutes is no trouble, and is not told.
func TestHowAWatchEnds(t *testing.T) {
	gone := apierrors.FromObject(&metav1.Status{Code: http.StatusGone, Reason: metav1.StatusReasonGone})
	for _, err := range []error{io.EOF, fmt.Errorf("read: %w", io.ErrUnexpectedEOF), apierrors.NewResourceExpired("old"), gone} {
		if !isUsual(err) {
			t.Errorf("%v is told", err)
		}
	}
	if isUsual(apierrors.NewUnauthorized("who")) {
		t.Error("who has to log in is not told")
	}
}

func TestErrorsSayTheNextStep(t *testing.T) {
	kind := schema.GroupResource{Group: "studio.livepeer.org", Resource: "livepeertasks"}
	refused := errors.New("connection refused")
	for _, c := range []struct {
		err  error
		says string
	}{
		{apierrors.NewForbidden(kind, "", errors.New("no")), "ask for the role view"},
		{apierrors.NewUnauthorized("who"), "log in"},
		{apierrors.NewGenericServerResponse(http.StatusNotFound, "get", kind, "", "", 0, true), "install the operator"},
		{apierrors.NewNotFound(kind, "x"), "not found"},
		{&url.Error{Op: "Get", URL: "http://localhost:8080/apis", Err: refused}, "set KUBECONFIG"},
		{&url.Error{Op: "Get", URL: "https://10.0.0.1/apis", Err: refused}, "can't be reached: connection refused"},
		{&url.Error{Op: "Get", URL: "https://10.0.0.1/apis", Err: context.DeadlineExceeded}, "did not answer in time: context deadline exceeded; try again"},
		{apierrors.NewServiceUnavailable("etcd is away"), "etcd is away; try again"},
		{apierrors.NewTooManyRequests("busy", 1), "busy; try again"},
		{apierrors.NewTimeoutError("slow", 1), "try again"},
		{apierrors.NewInternalError(refused), "try again"},
		{&url.Error{Op: "Get", URL: "https://10.0.0.1/apis", Err: context.Canceled}, `Get "https://10.0.0.1/apis": context canceled`},
	} {
		if got := Explain(c.err).Error(); !strings.Contains(got, c.says) {
			t.Errorf("%q lacks %q", got, c.says)
		}
	}
	if Explain(nil) != nil || !apierrors.IsForbidden(Explain(apierrors.NewForbidden(kind, "", refused))) {
		t.Error("it stays what it is")
	}
}
