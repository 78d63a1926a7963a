// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"os"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// TestASecondNamespaceIsServed: docs/rights.md gives an operator of one namespace a second one, and no right in a third.
func TestASecondNamespaceIsServed(t *testing.T) {
	g := NewWithT(t)
	page, err := os.ReadFile("../../docs/rights.md")
	g.Expect(err).NotTo(HaveOccurred())
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	g.Expect(len(blocks)).To(BeNumerically(">=", 3))
	for i := range blocks {
		blocks[i], _, _ = strings.Cut(blocks[i], "```")
	}
	dir := overlay(t, strings.ReplaceAll(blocks[0], "../livepeer-task-operator/", "")+blocks[1])
	g.Expect(deploymentIn(t, dir).Spec.Template.Spec.Containers[0].Args).To(And(ContainElement("--watch-namespaces=media,events"),
		Not(ContainElement(ContainSubstring("POD_NAMESPACE")))))

	clientset := kubernetes.NewForConfigOrDie(plane.Config())
	for _, name := range []string{"media", "events"} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		_, err := clientset.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
		g.Expect(client.IgnoreAlreadyExists(err)).To(Succeed(), "other tests have some, too")
	}
	for _, object := range render(t, dir) {
		g.Expect(plane.Apply(t.Context(), object)).To(Succeed())
	}
	for text := range strings.SplitSeq(blocks[2], "---\n") {
		object := &unstructured.Unstructured{}
		g.Expect(yaml.UnmarshalStrict([]byte(text), &object.Object)).To(Succeed())
		g.Expect(plane.Apply(t.Context(), object)).To(Succeed())
	}

	config, err := plane.ServiceAccountConfig(t.Context(), "media", controlplane.ServiceAccount)
	g.Expect(err).NotTo(HaveOccurred())
	reviews := kubernetes.NewForConfigOrDie(config).AuthorizationV1().SelfSubjectAccessReviews()
	may := func(namespace, verb, group, resource, name string) bool {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: namespace, Verb: verb, Group: group, Resource: resource, Name: name,
			},
		}}
		review, err := reviews.Create(t.Context(), review, metav1.CreateOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		return review.Status.Allowed
	}
	const group = "studio.livepeer.org"
	for namespace, served := range map[string]bool{"media": true, "events": true, "default": false} {
		g.Expect(may(namespace, "create", group, "livepeertasks", "")).To(Equal(served), namespace)
		g.Expect(may(namespace, "watch", group, "livepeertasksources", "")).To(Equal(served), namespace)
		g.Expect(may(namespace, "watch", "", "secrets", "livepeer")).To(Equal(served), namespace)
	}
}
