// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWatermark(t *testing.T) {
	start := time.UnixMilli(1587667174725)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	w := &Watermark{}
	for i, step := range []struct {
		began, ended int // seconds
		newest, from int64
	}{
		{0, 1, 0, 1}, // nothing there yet
		{1, 2, 50_000, 39_000},
		{5, 6, 50_000, 39_000},
		{11, 12, 50_000, 39_000}, // began 9 s after it rose: a late commit may still come
		{12, 13, 50_000, 50_001},
		{22, 23, 50_000, 50_001},
		{33, 34, 50_500, 39_500},
		{35, 36, 50_100, 39_500}, // a replica that lags
		{44, 45, 50_500, 50_501},
		{45, 46, 4_000_000, 3_989_000},
	} {
		w.polled(at(step.began), at(step.ended), step.newest)
		if got := w.From(); got != step.from {
			t.Errorf("after poll %d: from %d, want %d", i, got, step.from)
		}
	}
	if low := (&Watermark{newest: 3}); low.From() != 1 {
		t.Errorf("from %d: tasks without an update time have 0", low.From())
	}
}

// TestWatermarkMissesNothing: every update is seen, however polls and late commits fall, and whatever Studio's clock says, or one that calls
// itself Studio's, by which a poll may count what has changed after its first answer.
func TestWatermarkMissesNothing(t *testing.T) {
	type row struct{ updatedAt, visible int64 } // ms of Studio's clock
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
			updatedAt := rapid.Int64Range(1, 60_000).Draw(t, "updatedAt")
			return row{updatedAt, updatedAt + rapid.Int64Range(0, overlap.Milliseconds()-1).Draw(t, "late")}
		}), 0, 20).Draw(t, "rows")
		ours := time.Unix(rapid.Int64Range(0, 2e9).Draw(t, "our clock"), 0)
		w, seen := &Watermark{}, map[row]bool{}
		poll := func(began int64) (ended int64) {
			from, newest := w.From(), int64(0)
			ended = began + rapid.Int64Range(0, 30_000).Draw(t, "took")
			behind := rapid.Bool().Draw(t, "also what changed behind its back")
			for _, row := range rows {
				if row.updatedAt < from || row.visible > ended {
					continue
				}
				if seen[row] = seen[row] || row.visible <= began; seen[row] || behind {
					newest = max(newest, row.updatedAt)
				}
			}
			w.polled(ours.Add(time.Duration(began)*time.Millisecond), ours.Add(time.Duration(ended)*time.Millisecond), newest)
			return ended
		}
		now := int64(0)
		for now < 70_000 {
			now = poll(now) + rapid.Int64Range(0, 20_000).Draw(t, "pause")
		}
		poll(now)
		for _, row := range rows {
			if !seen[row] {
				t.Fatalf("%+v was missed", row)
			}
		}
	})
}
