// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// maxGrowth bounds the memory that any answer may take.
const maxGrowth = 64 << 20

// TestLargeAnswersTakeLittleMemory: what Studio answers is read piece by piece, however large a list or a task is.
func TestLargeAnswersTakeLittleMemory(t *testing.T) {
	valuesOnly(t)
	for name, c := range map[string]struct {
		tasks, size int // of those in the list, in KiB
		taskType    string
	}{
		"a list of 100 MiB": {400, 256, "export-data"}, // to write them is not the point
		"a task of 20 MiB":  {1, 20 << 10, "clip"},
	} {
		t.Run(name, func(t *testing.T) {
			w := mirroring(t, 30, unhurried, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Types = []string{"upload", "clip"} })
			mirrored := len(w.tasks())
			body := w.largeList(c.tasks, c.size, c.taskType)
			w.studio.Fault(func(r *http.Request) livepeertest.Fault {
				if q := r.URL.Query(); !livepeertest.IsList(r) || q.Has("filters") || q.Has("cursor") {
					return livepeertest.Fault{}
				}
				return livepeertest.Fault{Stream: body}
			})
			grown := w.growth()
			w.resync("main", "everything")
			w.Expect(grown()).To(BeNumerically("<", maxGrowth))
			w.eventuallyReady("main", v1alpha1.ReasonSynced)
			if c.tasks > 1 {
				w.Expect(w.tasks()).To(HaveLen(mirrored))
				return
			}
			w.Expect(w.tasks()).To(HaveLen(mirrored + 1))
			w.Expect(w.task("large-0").Spec.OmittedFields).To(ContainElement("params.exportData.content"))
		})
	}
}

// TestLargeTaskByID: the same for a task that is asked for by its ID, to put it back.
func TestLargeTaskByID(t *testing.T) {
	valuesOnly(t)
	w := mirroring(t, 30, unhurried)
	w.studio.Put(livepeertest.Task{"id": "large-0", "type": "clip", "status": map[string]any{"phase": "running", "updatedAt": 1000}}) // no poll shows it
	w.resync("main", "everything")
	w.studio.Fault(func(r *http.Request) livepeertest.Fault {
		if livepeertest.IsList(r) {
			return livepeertest.Fault{}
		}
		return livepeertest.Fault{Stream: func(out io.Writer) { writeLarge(out, 0, 20<<10, "clip") }}
	})
	grown := w.growth()
	w.Expect(w.client.Delete(w.ctx, w.task("large-0"))).To(Succeed())
	w.Eventually(w.tasks, soon, tick).Should(ContainElement(And(HaveField("Spec.ID", "large-0"),
		HaveField("Spec.OmittedFields", ContainElement("params.exportData.content")))))
	w.Expect(grown()).To(BeNumerically("<", maxGrowth))
}

// unhurried gives Studio time to answer.
func unhurried(spec *v1alpha1.LivepeerTaskSourceSpec) {
	spec.Timeout.Duration = 5 * time.Minute
}

// largeList writes a list of what is in Studio and of so many tasks of so many KiB.
func (w *world) largeList(tasks, size int, taskType string) func(io.Writer) {
	w.t.Helper()
	before := []byte("[")
	for _, id := range w.studio.IDs() {
		task, _ := w.studio.Get(id)
		raw, err := json.Marshal(task)
		w.Expect(err).NotTo(HaveOccurred())
		before = append(append(before, raw...), ',')
	}
	return func(out io.Writer) {
		separator := before
		for n := range tasks {
			if _, err := out.Write(separator); err != nil || !writeLarge(out, n, size, taskType) {
				return // the client left
			}
			separator = []byte(",")
		}
		_, _ = out.Write([]byte("]"))
	}
}

// writeLarge writes a task of so many KiB, and reports whether anybody took it.
func writeLarge(out io.Writer, n, size int, taskType string) bool {
	padding := slices.Repeat([]byte("a word, "), 1<<10/8)
	_, err := fmt.Fprintf(out, `{"id":"large-%d","type":%q,"params":{"exportData":{"content":{"data":"`, n, taskType)
	for k := 0; k < size && err == nil; k++ {
		_, err = out.Write(padding)
	}
	if err == nil {
		_, err = io.WriteString(out, `"}}},"status":{"phase":"running","updatedAt":1795000000000}}`)
	}
	return err == nil
}

// growth watches how much memory is in use. The returned function ends that, and answers by how much it grew at most.
func (w *world) growth() func() uint64 {
	w.t.Helper()
	// Garbage is collected early, to see what is needed rather than what has not been collected yet.
	percent := debug.SetGCPercent(20)
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	base := sample[0].Value.Uint64()
	most := base
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	}()
	return func() uint64 {
		cancel()
		<-ended
		debug.SetGCPercent(percent)
		w.t.Logf("the heap grew by %d MiB", (most-base)>>20)
		return most - base
	}
}
