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
	code, report, says := runs("doctor")
	g.Expect(code).To(Equal(1))
	g.Expect(says).To(BeEmpty(), "the report says it all")
	g.Expect(report).To(And(ContainSubstring("fail  CRDs: not installed"), ContainSubstring("fail  operator: no Deployment")))
}

// TestDoctorOfOlderCRDs: what they lack is named, and who may not see that is told.
func TestDoctorOfOlderCRDs(t *testing.T) {
	g := NewWithT(t)
	for says, document := range map[string]string{
		"fail  CRDs: older than this plugin: they lack LivepeerTask, LivepeerTaskSource": `{"components":{"schemas":{}}}`,
		"warn  CRDs: can't be looked at":                                                 "",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case strings.HasPrefix(r.URL.Path, "/openapi/") && document == "":
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`))
			case strings.HasPrefix(r.URL.Path, "/openapi/"):
				_, _ = w.Write([]byte(document))
			case r.Method == http.MethodPost:
				_, _ = w.Write([]byte(`{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":true}}`))
			case strings.HasSuffix(r.URL.Path, "/deployments"):
				_, _ = w.Write([]byte(`{"kind":"DeploymentList","apiVersion":"apps/v1","items":[]}`))
			default:
				_, _ = w.Write([]byte(`{"kind":"LivepeerTaskSourceList","apiVersion":"studio.livepeer.org/v1alpha1","items":[]}`))
			}
		}))
		t.Setenv("KUBECONFIG", "/nowhere")
		var out, err strings.Builder
		code := Run(t.Context(), []string{"doctor", "--server", server.URL}, genericiooptions.IOStreams{Out: &out, ErrOut: &err}, "dev")
		server.Close()
		g.Expect(code).To(Equal(1))
		g.Expect(err.String()).To(BeEmpty())
		g.Expect(out.String()).To(And(HavePrefix(says), ContainSubstring("warn  sources: none in default")))
	}
}

// TestWrongCommandLines: each error says what to write instead.
func TestWrongCommandLines(t *testing.T) {
	g := NewWithT(t)
	for says, args := range map[string][]string{
		"unknown flag: --phase; kubectl livepeer list --help shows those there are":                    {"list", "--phase", "failed"},
		`invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"; write 30s`:     {"wait", "x", "--timeout", "5"},
		`invalid argument "1d" for "--timeout" flag: time: unknown unit "d" in duration "1d"; write`:   {"sync", "--timeout", "1d"},
		`invalid argument "soon" for "--timeout" flag: time: invalid duration "soon"; write 30s`:       {"wait", "x", "--timeout", "soon"},
		`kubectl livepeer list takes no argument, and got "holiday.mp4"; kubectl livepeer list --help`: {"list", "holiday.mp4"},
		`parsing "maybe": invalid syntax; write true or false`:                                         {"list", "--failed=maybe"},
		"error: flag needs an argument: --type\n":                                                      {"list", "--type"},
		`unknown command "lst" for "kubectl livepeer"`:                                                 {"lst"},
		`unknown command "get" for "kubectl livepeer"; kubectl livepeer --help shows those there are`:  {"get", "tasks"},
	} {
		var out, err strings.Builder
		g.Expect(Run(t.Context(), args, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &err}, "dev")).To(Equal(1))
		g.Expect(err.String()).To(ContainSubstring(says))
		g.Expect(err.String()).NotTo(MatchRegexp("Did you mean.*--help"), "another is suggested")
	}
	var out, err strings.Builder
	g.Expect(Run(t.Context(), []string{"list", "--help"}, genericiooptions.IOStreams{Out: &out, ErrOut: &err}, "dev")).To(Equal(0))
	g.Expect(out.String()).To(And(ContainSubstring("--failed"), ContainSubstring("--kubeconfig")))
	g.Expect(out.String()).NotTo(MatchRegexp("--(as-group|certificate-authority|show-managed-fields)"), "rarely used")
	var which selection
	which.Type = "Upload"
	g.Expect(none(&which, "media")).To(Equal("No such tasks in the namespace media; the types that are known: upload, export, export-data, " +
		"transcode-file, clip. Leave out a flag to see more."))
	which.Type = "clip"
	g.Expect(none(&which, "media")).To(Equal("No such tasks in the namespace media; leave out a flag to see more."))
}
