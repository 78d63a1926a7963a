// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// TestAFaultEndsNoProcess: not in the goroutines that write. It is an error of the source whose task it was, and what others write of the
// task afterwards is seen.
func TestAFaultEndsNoProcess(t *testing.T) {
	g := NewWithT(t)
	task := kubetest.ATask("a", "main", 10)
	storage, _ := newMoody(task)
	x := known(task)
	writer := NewWriter(storage, storage, x)
	storage.write = func() error { panic("odd") }
	_, err := writer.Apply(t.Context(), mainScope, []plan.Action{statusOf(x, "a")})
	fault, ok := errors.AsType[*condition.Fault](err)
	g.Expect(ok).To(BeTrue(), "%v", err)
	g.Expect(fault).To(MatchError(ContainSubstring("a panic of type string")))
	shown, ok := errors.AsType[*condition.Error](err)
	g.Expect(ok).To(BeTrue())
	g.Expect(shown.Reason).To(Equal(v1alpha1.ReasonInternalError))
	allFree(t, writer)
	g.Expect(x.writing).To(BeEmpty())

	storage.write = func() error { return changedSince(task) }
	storage.read = func() error { panic("odd") } // as the writer looks what has become of it
	_, err = writer.Apply(t.Context(), mainScope, []plan.Action{statusOf(x, "a")})
	_, ok = errors.AsType[*condition.Fault](err)
	g.Expect(ok).To(BeTrue(), "%v", err)
	allFree(t, writer)
}
