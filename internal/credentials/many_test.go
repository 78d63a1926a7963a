// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
)

// TestAThousandComeAndGo: neither sources, nor their Secrets, nor namespaces leave anything behind, whether the source goes, names another Secret
// or names none any more.
func TestAThousandComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		ctx, end := context.WithCancel(t.Context())
		defer end()
		var open atomic.Int64
		watcher := NewWatcher(&secrets{}, func(ctx context.Context, _ types.NamespacedName) (io.ReadCloser, error) {
			open.Add(1)
			context.AfterFunc(ctx, func() { open.Add(-1) })
			stream := newStream(ctx)
			go stream.tell(apiwatch.Added, "1")
			return stream, nil
		})
		watcher.ctx = ctx
		cache := NewCache[*thing](watcher, "secretRef", "apiKey")
		var made []*thing
		get := func(source types.NamespacedName, secret string) {
			_, _, err := cache.Get(ctx, source, secret, source.Name, func(*corev1.Secret) (*thing, error) {
				made = append(made, &thing{})
				return made[len(made)-1], nil
			})
			g.Expect(err).NotTo(HaveOccurred())
		}
		const many = 1000
		key := func(n int) types.NamespacedName {
			return types.NamespacedName{Namespace: fmt.Sprint("n", n%50), Name: fmt.Sprint("s", n)}
		}
		for n := range many {
			get(key(n), fmt.Sprint("secret-", n))
		}
		synctest.Wait()
		g.Expect(open.Load()).To(BeEquivalentTo(many))
		for n := range many {
			switch n % 3 {
			case 0:
				get(key(n), "shared")
			case 1:
				get(key(n), "")
			}
		}
		synctest.Wait()
		g.Expect(open.Load()).To(BeNumerically("<", many/2))
		for n := range many {
			cache.Forget(key(n))
		}
		synctest.Wait()
		g.Expect(open.Load()).To(BeZero())
		g.Expect([]int{len(cache.open), len(watcher.refs), len(watcher.watches)}).To(Equal([]int{0, 0, 0}))
		for _, is := range made {
			g.Expect(is.closed).To(Equal(1))
		}
	})
}
