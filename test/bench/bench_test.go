// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// The two parts that matter most, at a tiny size. No time is asserted: only what must be exact whatever the machine does.
func TestBenchMeasuresEveryFigure(t *testing.T) {
	g := NewWithT(t)
	const tasks = 60
	t.Setenv("TMPDIR", t.TempDir())
	manager, err := controlplane.ManagerFor(t.Context(), t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	opts := options{
		sizes: []int{tasks}, repeat: 1, parts: []string{"bare", "operator"}, out: t.TempDir(), manager: manager, interval: time.Second,
	}
	out := &bytes.Buffer{}

	g.Expect(bench(t.Context(), opts, out)).To(Succeed(), "%s", out)

	book, err := openBook(filepath.Join(opts.out, "results.json"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(book.Sizes).To(HaveKey(tasks))
	figures := book.Sizes[tasks].Figures
	for _, r := range slices.Concat(bareRows(), writingRows(), quietRows()) {
		g.Expect(figures).To(HaveKey(r.name))
		g.Expect(out.String()).To(ContainSubstring(r.label))
	}
	for name, wanted := range map[string]float64{
		"first.creates": tasks, "first.statuses": tasks, "first.others": 0, "change.writes": 1,
		"rest.writes": 0, "full.writes": 0, "restart.writes": 0,
	} {
		g.Expect(figures).To(HaveKeyWithValue(name, HaveValue(HaveField("Median", wanted))), name)
	}
	for _, name := range []string{"results.md", "growth.svg"} {
		g.Expect(filepath.Join(opts.out, name)).To(BeARegularFile())
	}
}

func TestOptionsFrom(t *testing.T) {
	for name, test := range map[string]struct {
		env     map[string]string
		want    options
		wantErr string
	}{
		"sizes":     {env: map[string]string{"BENCH_TASKS": "300,1000"}, want: options{sizes: []int{300, 1000}, repeat: 3}},
		"repeat":    {env: map[string]string{"BENCH_REPEAT": "5"}, want: options{sizes: []int{1000, 10000}, repeat: 5}},
		"too small": {env: map[string]string{"BENCH_TASKS": "5"}, wantErr: "BENCH_TASKS"},
		"no number": {env: map[string]string{"BENCH_REPEAT": "often"}, wantErr: "BENCH_REPEAT"},
		"no part":   {env: map[string]string{"BENCH_PARTS": "bare,else"}, wantErr: "BENCH_PARTS"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got, err := optionsFrom(func(key string) string { return test.env[key] })
			if test.wantErr != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.wantErr)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.sizes).To(Equal(test.want.sizes))
			g.Expect(got.repeat).To(Equal(test.want.repeat))
		})
	}
}
