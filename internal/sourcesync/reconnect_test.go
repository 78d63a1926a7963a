// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
)

// TestASecretThatChangesAllTheTime: however often it does, it is looked at by one after the other, and the last change is seen.
func TestASecretThatChangesAllTheTime(t *testing.T) {
	g := NewWithT(t)
	p := newProcess(t, kubetest.NewAPI("http://127.0.0.1:1"), time.Now)
	p.rest()
	s := p.of()
	var looks, atOnce, most, version, seen atomic.Int64
	free := make(chan struct{})
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	p.engine.Connect = func(context.Context, *v1alpha1.LivepeerTaskSource) (*Connection, error) {
		looks.Add(1)
		most.Store(max(most.Load(), atOnce.Add(1)))
		defer atOnce.Add(-1)
		seen.Store(version.Load())
		begin()
		<-free
		s.mu.Lock()
		defer s.mu.Unlock()
		return &Connection{Fingerprint: s.connection}, nil
	}
	change := func() {
		version.Add(1)
		p.engine.Reconnect(keyOf(p.source()))
	}
	change()
	<-begun
	for range 1000 {
		change()
	}
	close(free)
	g.Eventually(seen.Load, soon, time.Millisecond).Should(BeEquivalentTo(1001))
	change()
	g.Eventually(seen.Load, soon, time.Millisecond).Should(BeEquivalentTo(1002))
	g.Expect(most.Load()).To(BeEquivalentTo(1))
	g.Expect(looks.Load()).To(BeNumerically("<=", 4))
}
