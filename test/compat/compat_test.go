// SPDX-License-Identifier: Apache-2.0

// Package compat is a controller of somebody else's, with old libraries.
package compat

import (
	"context"
	"encoding/json"
	"os/exec"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// TestOldLibraries: the kinds work with them, and they stay as old as go.mod says.
func TestOldLibraries(t *testing.T) {
	for module, want := range map[string]string{
		"k8s.io/apimachinery": "v0.26.10", "k8s.io/client-go": "v0.26.10", "sigs.k8s.io/controller-runtime": "v0.14.7",
	} {
		out, err := exec.CommandContext(context.Background(), "go", "list", "-m", "-json", module).Output()
		is := struct{ Version string }{}
		if err == nil {
			err = json.Unmarshal(out, &is)
		}
		if err != nil || is.Version != want {
			t.Errorf("%s is %s (%v), and not %s: the kinds have lifted it", module, is.Version, err, want)
		}
	}

	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(&v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "a", Labels: map[string]string{v1alpha1.LabelSource: "main"}},
		Spec:       v1alpha1.LivepeerTaskSpec{ID: "a", Type: "upload"},
		Status:     v1alpha1.LivepeerTaskStatus{Phase: v1alpha1.PhaseFailed, ErrorMessage: "no such file"},
	}).Build()
	failed := &v1alpha1.LivepeerTaskList{}
	if err := c.List(context.Background(), failed, client.MatchingLabels{v1alpha1.LabelSource: "main"}); err != nil {
		t.Fatal(err)
	}
	if len(failed.Items) != 1 || failed.Items[0].Status.ErrorMessage != "no such file" || !v1alpha1.IsFinishedPhase(failed.Items[0].Status.Phase) {
		t.Errorf("listed: %+v", failed.Items)
	}
}
