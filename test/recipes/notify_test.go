// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"regexp"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// lives are tasks of the simulated Studio whose phases are sent.
type lives struct {
	*gitopsCluster
	studio *livepeertest.Server
}

func (l *lives) in(t *testing.T) *lives {
	t.Helper()
	part := *l.gitopsCluster
	part.t, part.Gomega = t, NewWithT(t)
	return &lives{&part, l.studio}
}

// notifying has the operator mirror a source, and send what changes from then on.
func (c *gitopsCluster) notifying(sink, allowed string) *lives {
	c.t.Helper()
	c.Expect(c.plane.Install(c.t.Context())).To(Succeed())
	studio, url := c.startStudio()
	c.startOperator(allowed)
	c.addKey()
	source := sourceCalled("main")
	source.Spec = v1alpha1.LivepeerTaskSourceSpec{
		URL: url, SecretRef: v1alpha1.SecretReference{Name: "livepeer"}, Interval: metav1.Duration{Duration: time.Second},
		ResyncInterval: metav1.Duration{Duration: time.Hour}, Timeout: metav1.Duration{Duration: gitopsBound},
		Notify: &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: sink}},
	}
	c.Expect(c.Create(c.t.Context(), source)).To(Succeed())
	c.sync("first", v1alpha1.ReasonSynced) // of what is there before, nothing is sent
	c.Expect(c.tasksOf("main")).To(HaveLen(20))
	c.delivering(v1alpha1.ReasonNothingSent)
	return &lives{c, studio}
}

// enter has a task reach a phase, and waits until it is mirrored.
func (l *lives) enter(id, phase string) {
	l.t.Helper()
	now := time.Now().UnixMilli()
	l.studio.Put(livepeertest.Task{"id": id, "type": "upload", "createdAt": now, "status": map[string]any{"phase": phase, "updatedAt": now}})
	l.Eventually(func() (phases []string) {
		tasks := &v1alpha1.LivepeerTaskList{}
		l.Expect(l.List(l.t.Context(), tasks, client.InNamespace("media"))).To(Succeed())
		for i := range tasks.Items {
			phases = append(phases, tasks.Items[i].Spec.ID+" "+tasks.Items[i].Status.Phase)
		}
		return phases
	}, gitopsBound).Should(ContainElement(id + " " + phase))
}

// delivering waits until the source's condition Delivering has this reason, and returns what it says.
func (c *gitopsCluster) delivering(reason string) (message string) {
	c.t.Helper()
	source := sourceCalled("main")
	c.Eventually(func() string {
		c.Expect(c.Get(c.t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
		if is := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionDelivering); is != nil {
			message = is.Message
			return is.Reason
		}
		return ""
	}, gitopsBound).Should(Equal(reason))
	return message
}

// waiting are the tasks that have something to be sent.
func (c *gitopsCluster) waiting() (ids []string) {
	tasks := &v1alpha1.LivepeerTaskList{}
	c.Expect(c.List(c.t.Context(), tasks, client.InNamespace("media"))).To(Succeed())
	for i := range tasks.Items {
		if len(tasks.Items[i].Status.Notifications) > 0 {
			ids = append(ids, tasks.Items[i].Spec.ID)
		}
	}
	return ids
}

// sink changes the source's sink, unless it is empty, and returns the one it was.
func (c *gitopsCluster) sink(to string) (was string) {
	c.t.Helper()
	source := sourceCalled("main")
	c.Expect(c.Get(c.t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
	was = source.Spec.Notify.CloudEvents.Sink
	if to != "" {
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"notify":{"cloudEvents":{"sink":"`+to+`"}}}}`))
		c.Expect(c.Patch(c.t.Context(), source, patch)).To(Succeed())
	}
	return was
}

// startServices runs a proxy that stands in for a cluster's DNS and Services: it knows where each name is, and answers for some itself. What
// is started after it uses it, but for loopback.
func startServices(t *testing.T, addresses map[string]string, handlers map[string]http.Handler) {
	t.Helper()
	forward := &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", addresses[r.In.Host], r.In.Host
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler := handlers[r.Host]; handler != nil {
			handler.ServeHTTP(w, r)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	for name, value := range map[string]string{"HTTP_PROXY": proxy.URL, "http_proxy": "", "NO_PROXY": "", "no_proxy": ""} {
		t.Setenv(name, value)
	}
}

// answers says whether something listens.
func answers(address string) error {
	answer, err := http.Get(address) //nolint:noctx // a test's own server
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// eventsPage is docs/cloudevents.md.
func eventsPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/cloudevents.md")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// said is what docs/cloudevents.md has at the group of an expression.
func said(t *testing.T, expression string) string {
	t.Helper()
	found := regexp.MustCompile(expression).FindStringSubmatch(eventsPage(t))
	NewWithT(t).Expect(found).To(HaveLen(2), expression)
	return found[1]
}

// documented is the only object of a kind in docs/cloudevents.md.
func documented(t *testing.T, kind string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	block := said(t, "(?ms)^```yaml\n(apiVersion: [^\n]+\nkind: "+kind+"\n[^`]*?)^```$")
	NewWithT(t).Expect(yaml.UnmarshalStrict([]byte(block), &object.Object)).To(Succeed())
	return object
}
