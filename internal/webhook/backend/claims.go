// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// claims say which source a webhookSecret belongs to. A delivery names its source by its path alone, which the signature
// does not cover: if two sources had one secret, a delivery signed for one could be sent to the other. So a secret belongs only to the
// oldest source that has it, also after a restart.
type claims struct {
	mu       sync.Mutex
	bySource map[types.NamespacedName]*claim
	bySecret map[[sha256.Size]byte][]*claim // the oldest first
}

type claim struct {
	source types.NamespacedName
	since  time.Time
	secret [sha256.Size]byte
}

// set notes which secret a source has; an empty one is none. It returns the other sources that are affected.
func (c *claims) set(source *v1alpha1.LivepeerTaskSource, secret studio.Key) []types.NamespacedName {
	now := &claim{
		source: client.ObjectKeyFromObject(source), since: source.CreationTimestamp.Time, secret: sha256.Sum256([]byte(secret.Reveal())),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	before, known := c.bySource[now.source]
	if secret.Reveal() == "" {
		return c.remove(now.source)
	}
	if known && before.since.Equal(now.since) && before.secret == now.secret {
		return nil
	}
	others := c.remove(now.source)
	if c.bySource == nil {
		c.bySource, c.bySecret = map[types.NamespacedName]*claim{}, map[[sha256.Size]byte][]*claim{}
	}
	c.bySource[now.source] = now
	all := slices.Concat(c.bySecret[now.secret], []*claim{now})
	slices.SortFunc(all, func(a, b *claim) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.source.String(), b.source.String())) // times are of whole seconds
	})
	c.bySecret[now.secret] = all
	if all[0] == now && len(all) > 1 {
		others = append(others, all[1].source)
	}
	return others
}

// drop notes that a source has no secret. It returns the other sources that are affected.
func (c *claims) drop(source types.NamespacedName) []types.NamespacedName {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remove(source)
}

// remove is drop. The caller holds the lock.
func (c *claims) remove(source types.NamespacedName) []types.NamespacedName {
	gone, known := c.bySource[source]
	if !known {
		return nil
	}
	delete(c.bySource, source)
	all := c.bySecret[gone.secret]
	first := all[0] == gone
	all = slices.DeleteFunc(all, func(other *claim) bool { return other == gone })
	if len(all) == 0 {
		delete(c.bySecret, gone.secret)
		return nil
	}
	c.bySecret[gone.secret] = all
	if first {
		return []types.NamespacedName{all[0].source}
	}
	return nil
}

// owner returns the source to which the secret of a source belongs: usually that source itself.
func (c *claims) owner(source types.NamespacedName) types.NamespacedName {
	c.mu.Lock()
	defer c.mu.Unlock()
	if of, known := c.bySource[source]; known {
		return c.bySecret[of.secret][0].source
	}
	return types.NamespacedName{}
}
