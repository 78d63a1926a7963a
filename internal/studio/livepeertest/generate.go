// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// Task types in the proportions in which tasks are made.
const typeMix = "uuuuuuuuuuuueeedttcc"

// Phases of made tasks in their proportions: mostly history, as in a real account.
const phaseMix = "ccccccccccccccccccccccccccccccccccffx rpw"

// maker makes believable, made-up values from a seed.
type maker struct {
	rand *rand.Rand
	made int
}

// The streams of random numbers of a seed: tasks made at the start and later must not get the same ids.
const (
	streamGenerate = iota
	streamSimulate
)

func newMaker(seed, stream uint64) *maker {
	return &maker{rand: rand.New(rand.NewPCG(seed, stream))} // must be repeatable, not secret
}

// Generate makes n tasks of all types and phases as they could be at that moment, the same ones for the same arguments.
// Their ids are version 4 UUIDs; completed uploads are about 4 KB of JSON.
func Generate(n int, seed uint64, now time.Time) iter.Seq[Task] {
	return func(yield func(Task) bool) {
		m := newMaker(seed, streamGenerate)
		for range n {
			if !yield(m.past(now)) {
				return
			}
		}
	}
}

// Populate puts n tasks made by Generate with the server's time.
func (s *Server) Populate(n int, seed uint64) {
	entries := make([]*entry, 0, n)
	for t := range Generate(n, seed, s.clock()) {
		e, err := encoded(t) // at once: as maps, 100,000 tasks would take gigabytes
		if err != nil {
			panic("livepeertest: " + err.Error())
		}
		entries = append(entries, e)
	}
	s.store.change(func(now *Snapshot) { now.put(entries) })
}

// past makes a task with a history.
func (m *maker) past(now time.Time) Task {
	phase := phaseMix[m.rand.IntN(len(phaseMix))]
	age := time.Duration(m.rand.Int64N(int64(30*24*time.Hour))) + 20*time.Minute
	if phase == 'r' || phase == 'p' || phase == 'w' {
		age = time.Duration(m.rand.Int64N(int64(10*time.Minute))) + time.Second
	}
	created := now.Add(-age)
	t := m.newTask(created)
	changed := created.Add(time.Duration(m.rand.Int64N(int64(min(age, 15*time.Minute)))))
	switch phase {
	case 'c':
		m.complete(t, changed)
	case 'f':
		fail(t, changed, m.errorMessage(), 2)
	case 'x':
		cancel(t, changed)
	case 'r':
		run(t, changed, float64(m.rand.IntN(100))/100)
	case 'w':
		requeue(t, changed, 1+m.rand.IntN(2), "transient: "+m.errorMessage())
	case ' ':
		if t["type"] != "transcode-file" { // one without a status, as old rows are
			delete(t, "status")
		}
	}
	return t
}

// newTask makes a pending task of a random type.
func (m *maker) newTask(now time.Time) Task {
	m.made++
	t := Task{
		"id": m.uuid(), "userId": UserID, "projectId": ProjectID,
		"createdAt": now.UnixMilli(),
		"status":    map[string]any{"phase": "pending", "updatedAt": now.UnixMilli()},
	}
	switch typeMix[m.rand.IntN(len(typeMix))] {
	case 'u':
		t["type"], t["outputAssetId"] = "upload", m.uuid()
		t["params"] = map[string]any{"upload": m.uploadParams()}
	case 'e':
		t["type"], t["inputAssetId"] = "export", m.uuid()
		t["params"] = map[string]any{"export": m.exportParams()}
	case 'd':
		t["type"] = "export-data"
		t["params"] = map[string]any{"exportData": m.exportDataParams()}
	case 't':
		t["type"], t["requesterId"] = "transcode-file", m.hex(64)
		t["params"] = map[string]any{"transcode-file": m.transcodeParams()}
	case 'c':
		t["type"], t["requesterId"] = "clip", m.hex(64)
		t["inputAssetId"], t["outputAssetId"] = m.uuid(), m.uuid()
		t["params"] = map[string]any{"clip": m.clipParams(now)}
	}
	return t
}

func (m *maker) hex(digits int) string {
	b := make([]byte, 0, digits+15)
	for len(b) < digits {
		b = fmt.Appendf(b, "%016x", m.rand.Uint64())
	}
	return string(b[:digits])
}

func (m *maker) uuid() string {
	h := []byte(m.hex(32))
	h[12], h[16] = '4', 'a'
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

func (m *maker) cid() string { return "bafybei" + m.hex(52) }

// pick returns one of the choices.
func pick[T any](m *maker, choices ...T) T { return choices[m.rand.IntN(len(choices))] }

func (m *maker) errorMessage() string {
	return pick(m, "catalyst task failed: Probe failed to open file", "catalyst task failed: timeout",
		"internal error processing file", "file too large or of an unsupported format")
}
