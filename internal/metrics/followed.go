// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"slices"
	"sync"
	"time"
)

// followed is a source that is measured.
type followed struct {
	mu     sync.Mutex
	state  State
	counts map[series]int
	spread map[series]*histogram
	// finished counts by type and phase, as KnownTypes and finishedPhases name them.
	finished [Types][len(finishedPhases)]int
}

// series is one of a source's, by the values of the labels that follow those of the source.
type series struct{ name, first, second string }

func (m *Metrics) newFollowed() *followed {
	known := &followed{counts: map[series]int{}, spread: map[series]*histogram{}}
	for _, kind := range []string{KindPoll, KindFull} {
		known.counts[series{Polls, kind, Success}] = 0
		known.spread[series{PollDuration, kind, ""}] = newHistogram(m.exported[PollDuration].Buckets)
	}
	for _, verb := range []string{Create, Update, UpdateStatus, Delete} {
		known.counts[series{Writes, verb, ""}] = 0
	}
	known.counts[series{Requests, Success, ""}] = 0
	known.counts[series{Unusable, "", ""}] = 0
	known.spread[series{MirrorLag, "", ""}] = newHistogram(m.exported[MirrorLag].Buckets)
	return known
}

// add counts n more. A source that is not followed is nil.
func (f *followed) add(of series, n int) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[of] += n
}

// histogram is how long something took.
type histogram struct {
	buckets []float64 // upper bounds, shared with all others of the metric
	counts  []uint64  // of each bucket; the last has all that is beyond
	sum     float64
}

func newHistogram(buckets []float64) *histogram {
	return &histogram{buckets: buckets, counts: make([]uint64, len(buckets)+1)}
}

func (h *histogram) observe(took time.Duration) {
	bucket, _ := slices.BinarySearch(h.buckets, took.Seconds())
	h.counts[bucket]++
	h.sum += took.Seconds()
}

// cumulative returns how many there are at all, and how many up to each upper bound.
func (h *histogram) cumulative() (all uint64, upTo map[float64]uint64) {
	upTo = make(map[float64]uint64, len(h.buckets))
	for i, bound := range h.buckets {
		all += h.counts[i]
		upTo[bound] = all
	}
	return all + h.counts[len(h.buckets)], upTo
}
