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

// TestListOfNewerTasks: what a newer operator stores of a task reaches programs through an older plugin as well, and as it is stored.
func TestListOfNewerTasks(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"kind":"LivepeerTaskList","apiVersion":"studio.livepeer.org/v1alpha1","metadata":{"resourceVersion":"3"},"items":[` +
			`{"kind":"LivepeerTask","apiVersion":"studio.livepeer.org/v1alpha1","metadata":{"name":"b","namespace":"media",` +
			`"managedFields":[{"manager":"m"}]},"spec":{"id":"b","priority":7},"status":{"phase":"completed","createdAt":"2026-03-01T12:00:00.500000Z"}},` +
			`{"kind":"LivepeerTask","apiVersion":"studio.livepeer.org/v1alpha1","metadata":{"name":"a","namespace":"media"},` +
			`"spec":{"id":"a","params":{"watermark":{"text":"mine"}}},"status":{"phase":"failed"}}]}`))
	}))
	t.Cleanup(server.Close)
	t.Setenv("KUBECONFIG", "/nowhere")
	lists := func(args ...string) string {
		var out, err strings.Builder
		streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &err}
		g.Expect(Run(t.Context(), append([]string{"list", "--server", server.URL}, args...), streams, "dev")).To(Equal(0), "%s", &err)
		return out.String()
	}
	g.Expect(lists("-o", "json")).To(And(ContainSubstring(`"priority": 7`), ContainSubstring(`"createdAt": "2026-03-01T12:00:00.500000Z"`),
		ContainSubstring(`"kind": "LivepeerTaskList"`), Not(ContainSubstring("managedFields"))))
	g.Expect(lists("-o", "jsonpath={.items[0].metadata.name} {.items[0].spec.params.watermark.text}")).To(Equal("a mine"))
	g.Expect(lists("-o", "name")).To(Equal("livepeertask.studio.livepeer.org/a\nlivepeertask.studio.livepeer.org/b\n"))
	g.Expect(lists("-o", "json", "--asset", "none")).To(ContainSubstring(`"items": []`))
}
