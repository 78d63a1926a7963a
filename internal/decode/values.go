// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

const (
	maxErrorMessage = 4 << 10 // bytes
	maxSearched     = 64 << 10
	maxPaths        = 100
	maxPath         = 256 // bytes
)

// lastMilli is the end of the year 9999, beyond which RFC 3339 ends, in milliseconds since 1970.
var lastMilli = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1

// paths collects the paths of fields.
type paths struct {
	all []string
}

func (p *paths) add(path string) {
	p.all = append(p.all, redact.Cut(path, maxPath))
}

// list returns the paths in order, each once; "…" stands for those that are too many.
func (p *paths) list() []string {
	slices.Sort(p.all)
	p.all = slices.Compact(p.all)
	if len(p.all) > maxPaths {
		p.all = append(p.all[:maxPaths-1], "…")
	}
	return p.all
}

// text returns a string without credentials, and without what a terminal obeys; false: it is none, or too long.
func (d *Decoder) text(k kind, v any) (string, bool) {
	s, ok := v.(string)
	if !ok {
		return "", false
	}
	if k == messageKind {
		return d.message(s), true
	}
	if k != secretKind && len(s) > d.longest(k) {
		return "", false
	}
	masked, changed := "", false
	switch {
	case k == secretKind:
		if s = redact.Plain(s); s != "" {
			masked, changed = redact.Mask, s != redact.Mask
		}
	case !d.affords(len(s)):
		masked, changed = redact.Mask, true
	case k == urlKind || strings.Contains(s, "://"):
		masked, changed = d.redactor.PlainURL(s)
		// What the service has masked itself is named too: its masking comes late, and must not look like a change.
		changed = changed || strings.Contains(masked, redact.UserInfoMask)
	default:
		masked, changed = d.redactor.PlainText(s)
	}
	if changed {
		d.redact("")
	}
	return masked, true
}

// longest is how many bytes a text may have where the decoder is.
func (d *Decoder) longest(k kind) int {
	if k == textKind && bytes.IndexByte(d.path, '.') < 0 { // of the task itself
		return maxWord
	}
	return maxText
}

// affords reports whether a text of n bytes more is searched for credentials, and counts it.
func (d *Decoder) affords(n int) bool {
	*d.searched += n
	return *d.searched <= maxPerTask
}

// message returns an error message that can be shown on one page, without credentials and what a terminal obeys.
func (d *Decoder) message(s string) string {
	whole := len(s)
	if whole > maxSearched { // end between two words: half a credential is not recognised as one
		s = s[:max(0, strings.LastIndexAny(s[:maxSearched], " \t\n"))]
	}
	short := len(s) < whole
	masked, changed := redact.Mask, true
	if d.affords(len(s)) {
		masked, changed = d.redactor.PlainText(s)
	}
	if changed {
		d.redact("")
	}
	if short {
		masked += "…"
	}
	if short || len(masked) > maxErrorMessage {
		d.Omit("")
	}
	return redact.Cut(masked, maxErrorMessage)
}

// Time returns a time that the API sends in milliseconds since 1970. 0 is a time as well.
func (d *Decoder) Time(values map[string]any, name string) *metav1.MicroTime {
	v := values[name]
	if v == nil {
		return nil
	}
	ms, ok := toWhole(v)
	if !ok || ms < 0 || ms > lastMilli {
		d.Omit(name)
		return nil
	}
	return new(metav1.NewMicroTime(time.UnixMilli(ms).UTC()))
}

// Percent returns a progress that the API sends as 0 to 1, rounded down; one that is less or more is cut to that, and named. It works
// on the decimal digits: 0.29 has no exact binary form, and 100 times it is less than 29.
func (d *Decoder) Percent(values map[string]any, name string) *int32 {
	v := values[name]
	if v == nil {
		return nil
	}
	f, ok := toFloat(v)
	if !ok {
		d.Omit(name)
		return nil
	}
	if f < 0 || f > 1 {
		d.Omit(name)
	}
	if f <= 0 || f >= 1 {
		return new(int32(min(max(f, 0), 1) * 100))
	}
	digits := strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "0.") + "0"
	return new(int32(digits[0]-'0')*10 + int32(digits[1]-'0'))
}

// toInt returns the value of a number without a fraction.
func toInt(v any) (int64, bool) {
	number, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return n, true
	}
	f, ok := toFloat(v) // 3000000.0, 3e6
	if !ok || f != math.Trunc(f) || f < -1<<63 || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// toWhole returns the value of a number, rounded.
func toWhole(v any) (int64, bool) {
	if n, ok := toInt(v); ok {
		return n, true
	}
	f, ok := toFloat(v)
	if f = math.Round(f); !ok || f < -1<<63 || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// toFloat returns the value of a number that a float64 can hold.
func toFloat(v any) (float64, bool) {
	number, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if f == 0 {
		f = 0 // -0 would come back as 0 from the Kubernetes API server
	}
	return f, err == nil
}
