// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const (
	defaultLimit = 20
	maxLimit     = 1000
)

// query is what a list request asks for.
type query struct {
	limit   int
	skip    int
	after   string // keyset: only ids greater than this
	keyset  bool
	order   []orderTerm
	filters []filter
	count   bool
	broken  bool // the database refuses it: 500
}

type orderTerm struct {
	field string
	desc  bool
}

// parseQuery reads the parameters of a list request. An error is what the server answers 400 to.
func parseQuery(values url.Values) (query, error) {
	get := func(key string) string { return strings.Join(values[key], ",") }
	q := query{limit: parseLimit(get("limit")), order: parseOrder(get("order")), count: get("count") != ""}
	if cursor := get("cursor"); strings.Contains(cursor, "skip") {
		skip, err := strconv.Atoi(strings.TrimSpace(strings.Replace(cursor, "skip", "", 1)))
		q.skip, q.broken = skip, err != nil || skip < 0
	} else if cursor != "" {
		q.keyset, q.after = true, cursor
	}
	filters, broken, err := parseFilters(get("filters"))
	if err != nil {
		return query{}, fmt.Errorf("error parsing filters: %w", err)
	}
	q.filters, q.broken = filters, q.broken || broken
	return q, nil
}

var leadingInteger = regexp.MustCompile(`^\s*[+-]?\d+`)

func parseLimit(s string) int {
	digits := leadingInteger.FindString(s)
	n, err := strconv.Atoi(strings.TrimSpace(digits))
	switch {
	case errors.Is(err, strconv.ErrRange) && !strings.Contains(digits, "-"):
		return maxLimit
	case err != nil || n < 1:
		return defaultLimit
	}
	return min(n, maxLimit)
}

func parseOrder(s string) []orderTerm {
	if s == "" {
		s = "updatedAt-true,createdAt-true"
	}
	var terms []orderTerm
	for part := range strings.SplitSeq(s, ",") {
		field, dir, ok := strings.Cut(part, "-")
		if ok && knownField(field) && !strings.Contains(dir, "-") {
			terms = append(terms, orderTerm{field: field, desc: dir == "true"})
		}
	}
	if len(terms) == 0 {
		return []orderTerm{{field: "id"}}
	}
	return terms
}

func knownField(name string) bool {
	switch name {
	case "id", "createdAt", "updatedAt", "type", "inputAssetId", "outputAssetId", "projectId":
		return true
	}
	return false
}

// text returns a text column of e, "" where the task lacks it.
func (e *entry) text(field string) string {
	switch field {
	case "id":
		return e.id
	case "type":
		return e.typ
	case "inputAssetId":
		return e.inputAsset
	case "outputAssetId":
		return e.outputAsset
	}
	return e.project
}

// compare orders two entries by the query's order; ties stay ties.
func (s *Snapshot) compare(q *query, a, b *entry) int {
	for _, term := range q.order {
		var c int
		switch term.field {
		case "createdAt":
			c = cmp.Compare(orZero(a.created), orZero(b.created))
		case "updatedAt":
			c = cmp.Compare(orZero(a.updated), orZero(b.updated))
		case "id":
			c = s.compareID(a, b)
		default:
			x, y := a.text(term.field), b.text(term.field)
			if (x == "") != (y == "") { // what is not there comes last, whatever the direction
				return cmp.Compare(len(y), len(x))
			}
			c = cmp.Compare(x, y)
		}
		if c != 0 && term.desc {
			return -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// nextLink builds the address of the next page the way the server does: always http, the host that the request named,
// and the query as it came with the cursor set (in its place if there was one).
func nextLink(host string, u *url.URL, cursor string) string {
	var b bytes.Buffer
	found := false
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		key, value = formDecode(key), formDecode(value)
		if key == "cursor" {
			if found {
				continue
			}
			value, found = cursor, true
		}
		b.WriteString("&" + formEncode(key) + "=" + formEncode(value))
	}
	if !found {
		b.WriteString("&cursor=" + formEncode(cursor))
	}
	return "<http://" + strings.TrimSuffix(host, ":80") + u.EscapedPath() + "?" + b.String()[1:] + `>; rel="next"`
}

func formDecode(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// formEncode differs from Go's in two characters that JavaScript treats the other way round.
func formEncode(s string) string {
	return strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(s))
}
