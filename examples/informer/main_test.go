// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const soon = 4 * time.Minute

func TestPrintsFailures(t *testing.T) {
	g := NewWithT(t)
	cluster, err := controlplane.Start(t.Context(), controlplane.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(cluster.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	g.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	admin, err := client.New(cluster.Config(), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	store := func(id, phase string) *v1alpha1.LivepeerTask {
		task := &v1alpha1.LivepeerTask{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: id},
			Spec:       v1alpha1.LivepeerTaskSpec{ID: id, Type: v1alpha1.TypeExport},
		}
		g.Expect(admin.Create(t.Context(), task)).To(Succeed())
		task.Status.Phase, task.Status.ErrorMessage = phase, "what went wrong"
		g.Expect(admin.Status().Update(t.Context(), task)).To(Succeed())
		return task
	}

	store("old", v1alpha1.PhaseFailed)
	output := gbytes.NewBuffer()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- printFailures(ctx, cluster.Config(), "default", output) }()
	g.Eventually(output, soon).Should(gbytes.Say(`old \(export\): what went wrong\n`))

	task := store("retried", v1alpha1.PhaseCompleted)
	store("new", v1alpha1.PhaseFailed)
	g.Eventually(output, soon).Should(gbytes.Say(`^new \(export\): what went wrong\n`))
	// What comes back into the selection is new to an informer: this is how a retry that fails shows.
	for range 2 {
		task.Status.Phase = v1alpha1.PhaseFailed
		g.Expect(admin.Status().Update(t.Context(), task)).To(Succeed())
		g.Eventually(output, soon).Should(gbytes.Say(`^retried \(export\): what went wrong\n`))
		task.Status.Phase = v1alpha1.PhaseRunning
		g.Expect(admin.Status().Update(t.Context(), task)).To(Succeed())
	}
	cancel()
	g.Eventually(ended, soon).Should(Receive(BeNil()))
}

// The document shows the code that is tested here, and no other.
func TestTheDocumentShowsThisCode(t *testing.T) {
	g := NewWithT(t)
	document, err := os.ReadFile("../../docs/for-controllers.md")
	g.Expect(err).NotTo(HaveOccurred())
	source, err := os.ReadFile("main.go")
	g.Expect(err).NotTo(HaveOccurred())
	_, text, found := strings.Cut(string(document), "## Without controller-runtime")
	g.Expect(found).To(BeTrue())
	_, text, found = strings.Cut(text, "```go\n")
	g.Expect(found).To(BeTrue())
	code, _, found := strings.Cut(text, "```")
	g.Expect(found).To(BeTrue())
	g.Expect(string(source)).To(ContainSubstring(code), fmt.Sprintf("the document shows\n%s", code))
}
