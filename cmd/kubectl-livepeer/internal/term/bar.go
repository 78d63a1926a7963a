// SPDX-License-Identifier: Apache-2.0

package term

import (
	"fmt"
	"strings"
	"time"
)

// eighths are the parts of a full block, so that a bar of ten characters moves eighty times.
var eighths = []rune(" ▏▎▍▌▋▊▉")

// Bar draws a percentage as a bar of so many characters.
func Bar(percent, width int) string {
	filled := min(max(percent, 0), 100) * width * len(eighths) / 100
	full := filled / len(eighths)
	bar := strings.Repeat("█", full)
	if full < width {
		bar += string(eighths[filled%len(eighths)]) + strings.Repeat(" ", width-full-1)
	}
	return "▕" + bar + "▏"
}

// Age says in a few characters how long something took, as kubectl does: 42s, 5m, 3h, 12d.
func Age(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Duration says how long something took, to the second: 42s, 5m10s, 3h2m, 12d7h.
func Duration(d time.Duration) string {
	if d < 0 {
		return "0s"
	}
	if d < time.Second {
		return "under 1s"
	}
	if d >= 48*time.Hour {
		hours := int(d.Hours())
		return fmt.Sprintf("%dd%dh", hours/24, hours%24)
	}
	text := d.Round(time.Second).String()
	if d >= time.Hour {
		text = strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return text
}
