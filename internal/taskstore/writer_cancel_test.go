// SPDX-License-Identifier: Apache-2.0

package taskstore

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/plan"
)

// leaving is a storage whose caller leaves while a status is being stored: as where the spec of the source changes, or another write
// of the same batch fails.
type leaving struct {
	*moody

	leave func()
}

func (l *leaving) UpdateStatus(ctx context.Context, task *v1alpha1.LivepeerTask) error {
	if err := l.moody.UpdateStatus(ctx, task); err != nil {
		return err
	}
	l.leave()
	return ctx.Err() // as a client that no longer waits for the answer
}

// TestAWriteThatHasBegunEnds: what is stored is told of, also where nobody waits for it any more: the next step would find it stored, and
// its Event would never be.
func TestAWriteThatHasBegunEnds(t *testing.T) {
	g := NewWithT(t)
	a := kubetest.ATask("a", "main", 10)
	storage, api := newMoody(a)
	ctx, leave := context.WithCancel(t.Context())
	x, told := known(a), &wrote{}
	_, _ = NewWriter(&leaving{storage, leave}, storage, x, told).Apply(ctx, mainScope, []plan.Action{statusOf(x, "a")})
	g.Expect(ctx.Err()).To(HaveOccurred())
	g.Expect(api.Tasks["a"].Status.Phase).To(Equal(v1alpha1.PhaseFailed))
	g.Expect(*told).To(ConsistOf(HaveField("Stored.Status.Phase", v1alpha1.PhaseFailed)))
}
