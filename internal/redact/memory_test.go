// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"runtime"
	"testing"
)

// TestARedactorAtRest: what a key is searched for by takes 15 KB, which sources that have nothing to mask do without. It is there again
// when they have.
func TestARedactorAtRest(t *testing.T) {
	redactors := make([]*Redactor, 200)
	took := func() uint64 {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := took()
	secret := func(i int) string { return fmt.Sprintf("09f8b46c-61a0-4254-9875-%012d", i) }
	for i := range redactors {
		redactors[i] = New(secret(i))
		redactors[i].Text("seen " + secret(i))
	}
	if each := (took() - before) / uint64(len(redactors)); each > 1<<10 {
		t.Errorf("each takes %d bytes at rest", each)
	}
	for i, r := range redactors {
		if got, _ := r.Text("seen " + secret(i)[:20]); got != "seen "+Mask {
			t.Errorf("%d: %s", i, got)
		}
	}
}
