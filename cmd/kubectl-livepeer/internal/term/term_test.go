// SPDX-License-Identifier: Apache-2.0

package term

import (
	"strings"
	"testing"
	"time"
)

func TestCleanLeavesNothingThatATerminalObeys(t *testing.T) {
	for text, want := range map[string]string{
		"holiday.mp4":                   "holiday.mp4",
		" two\nlines\t and a tab ":      "two lines  and a tab",
		"\x1b[31mred\x1b[0m":            "red",
		"\x1b]0;title\x07 set":          "]0;title set",
		"c1 \u009b31m":                  "c1 31m",
		"\u202egnp.exe":                 "gnp.exe",
		"broken \xff\xfe":               "broken",
		"会議 🎥 é":                        "会議 🎥 é",
		"line\u2028separator\u2029ends": "line separator ends",
		"می\u200cخواهم.mp4":             "می\u200cخواهم.mp4",
		"👨\u200d👩\u200d👧 at home\ufeff": "👨\u200d👩\u200d👧 at home",
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, not %q", text, got, want)
		}
	}
	if got := CleanLines("a: 1\n  b: \x1b[2J\u009b2\n"); got != "a: 1\n  b: [2J2\n" {
		t.Errorf("CleanLines: %q", got)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"holiday", 7, "holiday"},
		{"holiday", 6, "holid…"},
		{"holi day", 6, "holi…"},
		{"会議の録画", 10, "会議の録画"},
		{"会議の録画", 9, "会議の録…"},
		{"会議の録画", 8, "会議の…"},
		{"e\u0301e\u0301", 2, "e\u0301e\u0301"},
		{"👨\u200d👩\u200d👧.mp4", 6, "👨\u200d👩\u200d👧.mp4"},
		{"ab👨\u200d👩\u200d👧.mp4", 5, "ab👨\u200d👩\u200d👧…"},
		{"می\u200cخواهم", 7, "می\u200cخواهم"},
		{"a\u200dbc", 2, "a\u200d…"},
		{"holiday", 1, "…"},
		{"holiday", 0, ""},
	} {
		if got := Cut(c.text, c.limit); got != c.want || Columns(got) > c.limit {
			t.Errorf("Cut(%q, %d) = %q, not %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	head := []Column{{Header: "TASK", Least: 9}, {Header: "PHASE"}, {Header: "MESSAGE", Least: 10, Comfort: 40}, {Header: "AGE"}}
	rows := func() [][]string {
		return [][]string{
			{"09f8b46c-61a0-4254-9875-f71f4c605bc7", "failed", strings.Repeat("会議 ", 30), "5m"},
			{"short", "running", "two\nlines", "3h"},
		}
	}
	for _, width := range []int{5, 40, 80, 120, 200} {
		lines := Table(head, rows(), width)
		if len(lines) != 3 {
			t.Fatalf("%d: %q", width, lines)
		}
		for _, line := range lines {
			if Columns(line) > width || strings.ContainsAny(line, "\n\x1b") {
				t.Errorf("%d: %q has %d columns", width, line, Columns(line))
			}
		}
	}
	// What is cut first is what can spare it, and the age is never.
	if line := Table(head, rows(), 100)[1]; !strings.HasPrefix(line, "09f8b46c-61a0-4254-9875-f71f4c605bc7  failed") || !strings.HasSuffix(line, "5m") {
		t.Errorf("%q", line)
	}
	if line := Table(head, rows(), 50)[1]; !strings.HasPrefix(line, "09f8b46c…  failed") || !strings.HasSuffix(line, "5m") {
		t.Errorf("%q", line)
	}
	if line := Table(head, rows(), 0)[1]; !strings.Contains(line, strings.TrimSpace(strings.Repeat("会議 ", 30))) {
		t.Errorf("without a limit, nothing is cut: %q", line)
	}
}

func TestBar(t *testing.T) {
	for percent, want := range map[int]string{
		-5: "▕    ▏", 0: "▕    ▏", 1: "▕    ▏", 4: "▕▏   ▏", 50: "▕██  ▏", 60: "▕██▍ ▏", 99: "▕███▉▏", 100: "▕████▏", 250: "▕████▏",
	} {
		if got := Bar(percent, 4); got != want {
			t.Errorf("Bar(%d) = %s, not %s", percent, got, want)
		}
	}
}

func TestAges(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		-time.Second:                 {"0s", "0s"},
		300 * time.Millisecond:       {"0s", "under 1s"},
		90 * time.Second:             {"90s", "1m30s"},
		5*time.Minute + time.Second:  {"5m", "5m1s"},
		3*time.Hour + 2*time.Minute:  {"3h", "3h2m"},
		50*time.Hour + 2*time.Minute: {"2d", "2d2h"},
		47*time.Hour + 2*time.Minute: {"47h", "47h2m"},
		48 * time.Hour:               {"2d", "2d0h"},
		8765*time.Hour + time.Minute: {"365d", "365d5h"},
		time.Minute:                  {"60s", "1m0s"},
	} {
		if got := [2]string{Age(d), Duration(d)}; got != want {
			t.Errorf("%s: %v, not %v", d, got, want)
		}
	}
}
