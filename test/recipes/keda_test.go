// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"net/url"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
)

// The ServiceAccount of the page may read the URL that the page gives, and what is there has the value at the path.
func TestKEDAReadsACount(t *testing.T) {
	g := NewWithT(t)
	c := newClient(t)
	applyPage(t, "keda.md", "ScaledObject", "TriggerAuthentication", "Secret")
	source := newSource(t, c, "media")
	source.Status.Tasks.Running = 7
	g.Expect(c.Status().Update(t.Context(), source)).To(Succeed())

	objects := pages(t)["keda.md"]
	triggers, _, err := unstructured.NestedSlice(objects[len(objects)-1].Object, "spec", "triggers")
	g.Expect(err).NotTo(HaveOccurred())
	metadata := triggers[0].(map[string]any)["metadata"].(map[string]any)
	at, err := url.Parse(metadata["url"].(string))
	g.Expect(err).NotTo(HaveOccurred())
	account, err := cluster.ServiceAccountConfig(t.Context(), "media", "livepeer-scaler")
	g.Expect(err).NotTo(HaveOccurred())
	clientset, err := kubernetes.NewForConfig(account)
	g.Expect(err).NotTo(HaveOccurred())
	raw, err := clientset.RESTClient().Get().AbsPath(at.Path).DoRaw(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	found := &unstructured.Unstructured{}
	g.Expect(found.UnmarshalJSON(raw)).To(Succeed())
	value, _, err := unstructured.NestedInt64(found.Object, strings.Split(metadata["valueLocation"].(string), ".")...)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(value).To(BeEquivalentTo(7))
}
