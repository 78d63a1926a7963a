// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// TestASecretIsTheEldests: whatever came and went before, in whatever order; and who gains or loses one is told.
func TestASecretIsTheEldests(t *testing.T) {
	g := NewWithT(t)
	random := rand.New(rand.NewPCG(1, 2))
	c, now := &claims{}, time.Unix(1_700_000_000, 0)
	secrets := map[types.NamespacedName]string{}
	owners := map[types.NamespacedName]types.NamespacedName{}
	age := func(n int) time.Time { return now.Add(time.Duration(n/2) * time.Second) } // two are of the same second
	eldest := func(secret string) types.NamespacedName {
		for n := range 8 {
			if key := (types.NamespacedName{Namespace: "media", Name: fmt.Sprint(n)}); secrets[key] == secret {
				return key
			}
		}
		return types.NamespacedName{}
	}
	for range 5000 {
		n := random.IntN(8)
		key := types.NamespacedName{Namespace: "media", Name: fmt.Sprint(n)}
		source := &v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{
			Namespace: key.Namespace, Name: key.Name, CreationTimestamp: metav1.NewTime(age(n)),
		}}
		var told []types.NamespacedName
		if secret := []string{"", "a", "b"}[random.IntN(3)]; random.IntN(4) > 0 {
			told = c.set(source, studio.NewKey(secret))
			secrets[key] = secret
		} else {
			told = c.drop(key)
			delete(secrets, key)
		}
		for other := range 8 {
			other := types.NamespacedName{Namespace: "media", Name: fmt.Sprint(other)}
			is := types.NamespacedName{}
			if secrets[other] != "" {
				is = eldest(secrets[other])
			}
			g.Expect(c.owner(other)).To(Equal(is))
			if other != key && (is == other) != (owners[other] == other) {
				g.Expect(told).To(ContainElement(other))
			}
			owners[other] = is
		}
	}
}
