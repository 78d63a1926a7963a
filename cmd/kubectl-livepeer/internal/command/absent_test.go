// SPDX-License-Identifier: Apache-2.0

package command

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// A cluster that knows nothing of the operator.
func TestAClusterWithoutTheOperator(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			_, _ = w.Write([]byte(`{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":true}}`))
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","details":{},"code":404}`))
	}))
	t.Cleanup(server.Close)
	t.Setenv("KUBECONFIG", "/nowhere")
	runs := func(args ...string) (int, string, string) {
		var out, err strings.Builder
		streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &err}
		code := Run(t.Context(), append(args, "--server", server.URL), streams, "dev")
		return code, out.String(), err.String()
	}
	for _, command := range []string{"list", "watch", "sync"} {
		code, _, says := runs(command)
		g.Expect(code).To(Equal(1))
		g.Expect(says).To(ContainSubstring("does not know LivepeerTasks; install the operator"))
	}
	code, report, _ := runs("doctor")
	g.Expect(code).To(Equal(1))
	g.Expect(report).To(And(ContainSubstring("fail  CRDs: not installed"), ContainSubstring("fail  operator: no Deployment")))
}
