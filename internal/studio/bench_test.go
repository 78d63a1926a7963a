// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// BenchmarkDecodeList reads a page of 1,000 tasks like the reference page's example.
func BenchmarkDecodeList(b *testing.B) {
	data, err := os.ReadFile("livepeertest/testdata/reference.json")
	if err != nil {
		b.Fatal(err)
	}
	var example []json.RawMessage
	if err := json.Unmarshal(data, &example); err != nil {
		b.Fatal(err)
	}
	page, err := json.Marshal(slices.Repeat(example, 1000))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		whole, err := newSplitter(newBody(bytes.NewReader(page))).list(func(raw []byte) bool {
			if _, ok := parseTask(raw); ok {
				n++
			}
			return true
		})
		if n != 1000 || !whole || err != nil {
			b.Fatal(n, whole, err)
		}
	}
}
