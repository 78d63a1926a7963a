// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// TestAgesAreByTheClustersClock: that of a laptop that has slept may be off by hours, and a source was polled a moment ago nevertheless.
func TestAgesAreByTheClustersClock(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, 0, time.Hour} {
		g := NewWithT(t)
		now := func() time.Time { return time.Now().Add(-ahead).UTC() }
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Date", now().Format(http.TimeFormat))
			switch path := r.URL.Path; {
			case strings.HasPrefix(path, "/openapi/"):
				fmt.Fprint(w, "{}")
			case strings.HasSuffix(path, "/livepeertasksources"):
				fmt.Fprintf(w, `{"kind":"LivepeerTaskSourceList","apiVersion":"studio.livepeer.org/v1alpha1","metadata":{},"items":[{"metadata":{"name":"main",`+
					`"namespace":"media"},"spec":{"interval":"10s","secretRef":{"name":"x"}},"status":{"lastPollTime":%q}}]}`, now().Add(-65*time.Second).Format(time.RFC3339))
			case strings.HasSuffix(path, "/livepeertasks"):
				fmt.Fprintf(w, `{"kind":"LivepeerTaskList","apiVersion":"studio.livepeer.org/v1alpha1","metadata":{},"items":[{"metadata":{"name":"one",`+
					`"namespace":"media"},"spec":{"id":"one"},"status":{"createdAt":%q}}]}`, now().Add(-630*time.Second).Format("2006-01-02T15:04:05.000000Z"))
			default:
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`)
			}
		}))
		t.Cleanup(server.Close)
		says := func(args ...string) string {
			out := &buffer{}
			args = append([]string{"--kubeconfig", kubeconfig, "--server", server.URL, "-n", "media"}, args...)
			Run(t.Context(), args, genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: out}, "v1.2.3")
			return out.String()
		}
		g.Expect(says("doctor")).To(MatchRegexp(`ok +source main: last poll [6-9]\ds ago`), "%s ahead", ahead)
		g.Expect(says("list")).To(MatchRegexp(`one .* 10m`), "%s ahead", ahead)
		g.Expect(says("show", "one")).To(ContainSubstring("(10m"), "%s ahead", ahead)
	}
}
