// SPDX-License-Identifier: Apache-2.0

package installcheck

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
)

// server says something with a status.
func server(t *testing.T, status func() int, text string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status())
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func always(status int) func() int { return func() int { return status } }

// What is wrong is said. That nothing is, and that a real operator's CRDs are as new as it is, TestOperator/check says.
func TestCheckSaysWhatIsWrong(t *testing.T) {
	ok := server(t, always(http.StatusOK), "ok")
	for name, c := range map[string]struct{ probe, api, says string }{
		"not ready":    {server(t, always(http.StatusInternalServerError), "[-]tasks failed"), ok, "the operator is not ready.*500.*tasks failed"},
		"another":      {server(t, always(http.StatusNotFound), "404 page"), ok, "the operator is not ready.*404"},
		"nobody there": {"http://127.0.0.1:1/readyz", ok, "the operator is not ready.*127.0.0.1:1"},
		"no URL":       {"://", ok, "the operator is not ready.*missing protocol scheme"},
		"no CRDs":      {ok, server(t, always(http.StatusNotFound), "{}"), "the CRDs are not served"},
		"other CRDs":   {ok, server(t, always(http.StatusOK), "{}"), "the CRDs are not served.*it has no LivepeerTask"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // in which a busy machine answers once
			defer cancel()
			NewWithT(t).Expect(Check(ctx, &rest.Config{Host: c.api}, c.probe)).To(MatchError(MatchRegexp("(?s)" + c.says)))
		})
	}
}

// An operator that was just installed is waited for.
func TestCheckWaits(t *testing.T) {
	g := NewWithT(t)
	asked := atomic.Int32{}
	probe := server(t, func() int {
		if asked.Add(1) < 2 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	}, "")
	err := Check(t.Context(), &rest.Config{Host: server(t, always(http.StatusNotFound), "{}")}, probe)
	g.Expect(err).To(MatchError(ContainSubstring("the CRDs are not served")), "it is ready by then")
	g.Expect(asked.Load()).To(BeEquivalentTo(2))
}
