// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"k8s.io/apimachinery/pkg/types"
)

func TestReceptionIsReadyWhenAllHaveArrived(t *testing.T) {
	g := NewWithT(t)
	r := &reception{}
	g.Expect(r.ready()).To(BeFalse(), "nobody has said which there are")
	a, b := types.NamespacedName{Name: "a"}, types.NamespacedName{Name: "b"}
	r.awaited, r.listed = map[types.NamespacedName]struct{}{a: {}, b: {}}, true
	r.arrived(a)
	g.Expect(r.ready()).To(BeFalse())
	r.forget(b)
	g.Expect(r.ready()).To(BeTrue())
}

func TestStaleDeliveriesAreToldNowAndThen(t *testing.T) {
	g := NewWithT(t)
	r, key, now := &reception{}, types.NamespacedName{Name: "a"}, time.Now()
	late := func(at time.Time) bool { return r.tooLate(key, at) }
	g.Expect([]bool{late(now), late(now), late(now), late(now)}).To(Equal([]bool{false, false, true, false}))
	g.Expect(late(now.Add(staleTold))).To(BeTrue())
	r.inTime(key)
	g.Expect(late(now.Add(2*staleTold))).To(BeFalse(), "a replay between good ones")
}
