// SPDX-License-Identifier: Apache-2.0

package unserved

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
)

const (
	list  = "/apis/studio.livepeer.org/v1alpha1/namespaces/a/livepeertasksources"
	watch = list + "?watch=true&sendInitialEvents=true"
)

// TestSources: a list that is refused has nothing in it, until the namespace was readable for the first time; all else comes through. That a
// real cache finds out when it is, TestOperator/unserved says.
func TestSources(t *testing.T) {
	g := NewWithT(t)
	status := http.StatusForbidden
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	var logged []string
	client, err := rest.HTTPClientFor(Sources(&rest.Config{Host: server.URL},
		funcr.New(func(_, line string) { logged = append(logged, line) }, funcr.Options{})))
	g.Expect(err).NotTo(HaveOccurred())
	ask := func(method, path string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, http.NoBody)
		g.Expect(err).NotTo(HaveOccurred())
		response, err := client.Do(request)
		g.Expect(err).NotTo(HaveOccurred())
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		g.Expect(err).NotTo(HaveOccurred())
		return response.StatusCode, string(body)
	}
	refused := func(method, path string) {
		got, _ := ask(method, path)
		g.Expect(got).To(Equal(http.StatusForbidden), path)
	}

	refused(http.MethodGet, watch)
	for range 2 {
		got, body := ask(http.MethodGet, list)
		g.Expect(got).To(Equal(http.StatusOK))
		g.Expect(body).To(MatchJSON(empty))
	}
	g.Expect(logged).To(ConsistOf(ContainSubstring(`The namespace is not served`)), "once")
	refused(http.MethodGet, list+"/main")
	refused(http.MethodPost, list)
	refused(http.MethodGet, strings.Replace(list, "sources", "s", 1))
	refused(http.MethodGet, strings.Replace(list, "namespaces/a/", "", 1))

	status = http.StatusInternalServerError
	got, _ := ask(http.MethodGet, list)
	g.Expect(got).To(Equal(status))
	status = http.StatusOK
	_, _ = ask(http.MethodGet, watch)
	g.Expect(logged).To(HaveExactElements(ContainSubstring("is not served"), ContainSubstring("is served now")))
	status = http.StatusForbidden
	refused(http.MethodGet, list)
	g.Expect(logged).To(HaveLen(2))
}
