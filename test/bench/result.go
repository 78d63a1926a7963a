// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// result is what was measured at one size.
type result struct {
	mu sync.Mutex

	// Time and Machine say when and where.
	Time    string `json:"time"`
	Machine string `json:"machine"`
	// Figures by their names; see rows.go.
	Figures map[string]*figure `json:"figures"`
}

// figure is one number, as often as it was measured.
type figure struct {
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Values []float64 `json:"values"`
}

func newResult() *result {
	return &result{
		Time: time.Now().UTC().Format(time.RFC3339), Machine: machine(), Figures: map[string]*figure{},
	}
}

func (r *result) add(name string, value float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.Figures[name]
	if !ok {
		f = &figure{}
		r.Figures[name] = f
	}
	f.Values = append(f.Values, value)
	sorted := slices.Sorted(slices.Values(f.Values))
	f.Min, f.Max = sorted[0], sorted[len(sorted)-1]
	f.Median = (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func machine() string {
	name := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				name = strings.TrimSpace(value)
				break
			}
		}
	}
	return strconv.Itoa(runtime.NumCPU()) + " x " + name
}

// book holds the results of all sizes, those of earlier runs too: growth takes sizes that are too much for one run.
type book struct {
	Sizes map[int]*result `json:"sizes"`
}

func openBook(path string) (*book, error) {
	b := &book{Sizes: map[int]*result{}}
	content, err := os.ReadFile(path) //nolint:gosec // in the folder of the results
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	return b, json.Unmarshal(content, b)
}

// put takes in what was measured, in place of what an earlier run measured under the same names.
func (b *book) put(tasks int, r *result) {
	old, ok := b.Sizes[tasks]
	if !ok || old == r {
		b.Sizes[tasks] = r
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old.Time, old.Machine = r.Time, r.Machine
	maps.Copy(old.Figures, r.Figures)
}

func (b *book) sizes() []int { return slices.Sorted(maps.Keys(b.Sizes)) }

func (b *book) write(dir string) error {
	content, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		"results.json": append(content, '\n'), "results.md": []byte(b.page()), "growth.svg": []byte(b.plot()),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return nil
}
