// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func TestReadyWhenAllSourcesHaveArrived(t *testing.T) {
	g := NewWithT(t)
	b := New(Config{})
	g.Expect(b.known()).To(BeFalse(), "nobody has said which there are")
	one, other := types.NamespacedName{Name: "a"}, types.NamespacedName{Name: "b"}
	b.await([]v1alpha1.LivepeerTaskSource{{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, {ObjectMeta: metav1.ObjectMeta{Name: "b"}}})
	b.arrived(one)
	g.Expect(b.known()).To(BeFalse())
	b.Forget(other)
	g.Expect(b.known()).To(BeTrue())
}

func TestStaleDeliveriesAreToldNowAndThen(t *testing.T) {
	g := NewWithT(t)
	b, key, now := New(Config{}), types.NamespacedName{Name: "a"}, time.Now()
	late := func(at time.Time) bool { return b.tooLate(key, at) }
	g.Expect([]bool{late(now), late(now), late(now), late(now)}).To(Equal([]bool{false, false, true, false}))
	g.Expect(late(now.Add(staleTold))).To(BeTrue())
	b.inTime(key)
	g.Expect(late(now.Add(2*staleTold))).To(BeFalse(), "a replay between good ones")
}
