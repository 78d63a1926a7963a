// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

// The garbage collector's limit follows the container's, unless somebody set one.
func TestMemoryLimit(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want int64
	}{
		"as shipped":         {map[string]string{"MEMORY_LIMIT": "536870912"}, 483_183_819},
		"more":               {map[string]string{"MEMORY_LIMIT": "2000000000"}, 1_800_000_000},
		"set by somebody":    {map[string]string{"MEMORY_LIMIT": "536870912", "GOMEMLIMIT": "100MiB"}, 0},
		"not known":          {nil, 0},
		"no number of bytes": {map[string]string{"MEMORY_LIMIT": "512Mi"}, 0},
	} {
		if got := memoryLimit(func(key string) string { return tc.env[key] }); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
