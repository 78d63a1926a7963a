// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
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

// TestWhoIsForgottenMeanwhileHasNoSecret: a source that is deleted or suspended while its session is opened leaves its secret to the next one.
func TestWhoIsForgottenMeanwhileHasNoSecret(t *testing.T) {
	g := NewWithT(t)
	sessions := map[types.NamespacedName]Secret{}
	var meanwhile func()
	var woken []types.NamespacedName
	b := New(Config{
		Wake: func(source types.NamespacedName) { woken = append(woken, source) },
		Secret: func(source types.NamespacedName) Secret {
			is := sessions[source]
			if meanwhile != nil {
				then := meanwhile
				meanwhile = nil
				then()
			}
			return is
		},
	})
	b.await(nil)
	source := func(name string, age time.Duration) *v1alpha1.LivepeerTaskSource {
		sessions[types.NamespacedName{Name: name}] = SecretOf(&corev1.Secret{Data: map[string][]byte{SecretKey: []byte("a secret of two sources")}})
		return &v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Now().Add(-age))}}
	}
	elder, younger := source("elder", time.Hour), source("younger", time.Minute)
	b.Opened(younger)
	meanwhile = func() {
		delete(sessions, types.NamespacedName{Name: "elder"})
		b.Forget(types.NamespacedName{Name: "elder"})
	}
	b.Opened(elder)
	_, ok := b.Secret(webhook.Source{Name: "younger"})
	g.Expect(ok).To(BeTrue())
	g.Expect(woken).To(HaveEach(types.NamespacedName{Name: "younger"}))
	g.Expect(b.claims.bySource).To(HaveLen(1))
}
