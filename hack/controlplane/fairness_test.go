// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// roundTripper is a function that is one.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWritesHaveAShareOfTheirOwn: the API server counts what the operator writes as its, and nothing else.
func TestWritesHaveAShareOfTheirOwn(t *testing.T) {
	applyDefault(t)
	g := NewWithT(t)
	const account = "livepeer-task-operator-controller-manager"
	config := rest.CopyConfig(plane.Config())
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:livepeer-task-operator-system:" + account,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:livepeer-task-operator-system", "system:authenticated"},
	}
	var by string
	config.WrapTransport = transport.Wrappers(config.WrapTransport, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil {
				by = resp.Header.Get("X-Kubernetes-PF-FlowSchema-UID")
			}
			return resp, err
		})
	})
	operator, err := client.New(config, client.Options{Scheme: runtime.NewScheme()})
	g.Expect(err).NotTo(HaveOccurred())
	admin, err := client.New(plane.Config(), client.Options{Scheme: runtime.NewScheme()})
	g.Expect(err).NotTo(HaveOccurred())
	ours := &unstructured.Unstructured{}
	ours.SetGroupVersionKind(schema.GroupVersionKind{Group: "flowcontrol.apiserver.k8s.io", Version: "v1", Kind: "FlowSchema"})
	g.Expect(admin.Get(t.Context(), client.ObjectKey{Name: "livepeer-task-operator-writes"}, ours)).To(Succeed())

	task := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "studio.livepeer.org/v1alpha1", "kind": "LivepeerTask",
		"metadata": map[string]any{"namespace": "default", "name": "fair"},
		"spec":     map[string]any{"id": "fair", "type": "upload"},
	}}
	g.Eventually(func(g Gomega) { // the API server takes a moment to learn of a FlowSchema
		g.Expect(operator.Create(t.Context(), task.DeepCopy(), client.DryRunAll)).To(Succeed())
		g.Expect(by).To(Equal(string(ours.GetUID())))
	}, soon, "100ms").Should(Succeed())
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(task.GroupVersionKind())
	g.Expect(operator.List(t.Context(), list)).To(Succeed())
	g.Expect(by).NotTo(BeElementOf("", string(ours.GetUID())))
}
