// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"net/url"
	"strings"
)

// linkCursor returns the cursor of the next page in Link headers, "" if there is no usable one. Only the cursor is used:
// following the scheme, host and path in Link could send the key elsewhere. An offset (skip20) is not used, because the
// listing counts for itself.
func linkCursor(values []string) string {
	return findCursor(values, usableCursor)
}

// linkEnds reports whether Link headers say that there is no next page, as the documented server does on the last one:
// the next cursor is "undefined" there.
func linkEnds(values []string) bool {
	return findCursor(values, func(c string) bool { return c == "undefined" }) != ""
}

// findCursor returns the first cursor of a next page in Link headers that is wanted, "" if there is none.
func findCursor(values []string, wanted func(string) bool) string {
	for _, v := range values {
		for v != "" {
			var target, params string
			target, params, v = nextLink(v)
			if !isNext(params) {
				continue
			}
			u, err := url.Parse(target)
			if err != nil {
				continue
			}
			if c := u.Query().Get("cursor"); wanted(c) {
				return c
			}
		}
	}
	return ""
}

// nextLink cuts the first link off a Link header: <target>; params, rest.
func nextLink(v string) (target, params, rest string) {
	_, v, ok := strings.Cut(v, "<")
	if !ok {
		return "", "", ""
	}
	target, v, ok = strings.Cut(v, ">")
	if !ok {
		return "", "", ""
	}
	quoted := false
	for i := range len(v) {
		switch {
		case v[i] == '"':
			quoted = !quoted
		case v[i] == ',' && !quoted:
			return target, v[:i], v[i+1:]
		}
	}
	return target, v, ""
}

// isNext tells whether a link's parameters hold rel=next.
func isNext(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for rel := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(rel, "next") {
				return true
			}
		}
	}
	return false
}

func usableCursor(c string) bool {
	if c == "" || c == "undefined" || c == "null" || len(c) > maxID {
		return false
	}
	digits, skip := strings.CutPrefix(c, "skip")
	return !skip || strings.Trim(digits, "0123456789") != ""
}
