// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"fmt"
	"testing"
)

// BenchmarkServer measures the requests a mirror makes, with many tasks there.
func BenchmarkServer(b *testing.B) {
	s := NewServer()
	s.Populate(100_000, 1)
	all := s.IDs()
	newest := s.store.now.byUpdated[len(all)-1].updated
	for name, query := range map[string]string{
		"incremental poll": fmt.Sprintf(`limit=1000&order=id-false&filters=[{"id":"updatedAt","value":{"gte":%d}}]`, newest-60_000),
		"keyset page":      "limit=100&order=id-false&cursor=" + all[len(all)/2],
		"newest page":      "limit=100",
		"offset page":      "limit=100&cursor=skip90000",
	} {
		b.Run(name, func(b *testing.B) {
			q := parsed(b, query)
			for b.Loop() {
				if p := s.store.now.find(&q, (*entry).own, false); len(p.entries) == 0 {
					b.Fatal("nothing found")
				}
			}
		})
	}
	b.Run("update", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			s.Update(all[i%len(all)], func(t Task) { setStatus(t, s.clock(), obj{"phase": "running"}) })
		}
	})
}
