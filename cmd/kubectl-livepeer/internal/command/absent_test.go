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

// TestWrongCommandLines: each error says what to write instead.
func TestWrongCommandLines(t *testing.T) {
	g := NewWithT(t)
	for says, args := range map[string][]string{
		"unknown flag: --phase; kubectl livepeer list --help shows those there are":                   {"list", "--phase", "failed"},
		`invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"; write 30s`:    {"wait", "x", "--timeout", "5"},
		`invalid argument "1d" for "--timeout" flag: time: unknown unit "d" in duration "1d"; write`:  {"sync", "--timeout", "1d"},
		`unknown command "get" for "kubectl livepeer"; kubectl livepeer --help shows those there are`: {"get", "tasks"},
	} {
		var out, err strings.Builder
		g.Expect(Run(t.Context(), args, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &err}, "dev")).To(Equal(1))
		g.Expect(err.String()).To(ContainSubstring(says))
	}
	var which selection
	which.Type = "Upload"
	g.Expect(none(&which, "media")).To(Equal("No such tasks in the namespace media; the types that are known: upload, export, export-data, " +
		"transcode-file, clip. Leave out a flag to see more."))
	which.Type = "clip"
	g.Expect(none(&which, "media")).To(Equal("No such tasks in the namespace media; leave out a flag to see more."))
}
