// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestASourcesMetadataTakesLittleMemory: whoever may write sources may put a megabyte into each of them.
func TestASourcesMetadataTakesLittleMemory(t *testing.T) {
	g := NewWithT(t)
	huge := strings.Repeat("x", 200_000)
	source := kubetest.ASource()
	source.Labels = map[string]string{}
	for n := range 5000 {
		source.Labels[fmt.Sprint("label-", n)] = strings.Repeat("x", 63)
		source.Finalizers = append(source.Finalizers, fmt.Sprint("example.com/", n))
	}
	source.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: huge}}
	source.OwnerReferences = []metav1.OwnerReference{{Name: huge}}
	source.CreationTimestamp = metav1.Unix(1_700_000_000, 0)
	source.Annotations = map[string]string{
		"other": huge, v1alpha1.AnnotationRequestedAt: "now", v1alpha1.AnnotationConfirmPrune: huge,
	}
	want := source.DeepCopy()
	kept, err := controller.Compact(source)
	g.Expect(err).NotTo(HaveOccurred())
	text, err := json.Marshal(kept)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(text)).To(BeNumerically("<", 4096))
	g.Expect(source.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationRequestedAt, "now"))
	g.Expect(source.Spec).To(Equal(want.Spec))
	g.Expect(source.UID).To(Equal(want.UID))
	g.Expect(source.Generation).To(Equal(want.Generation))
	g.Expect(source.ResourceVersion).To(Equal(want.ResourceVersion))
	g.Expect(source.CreationTimestamp).To(Equal(want.CreationTimestamp))

	other, err := controller.Compact("something else")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(other).To(Equal("something else"))
}
