// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// filter is one comparison. On createdAt and updatedAt it compares with number, elsewhere with text.
type filter struct {
	field  string
	op     string // =, gt, gte, lt, lte
	number float64
	text   string
	never  bool // comparison with null
}

// parseFilters reads the JSON array of filters. The messages are those of the server, JavaScript's included. broken
// says that a time is compared with something that is no number.
func parseFilters(s string) (filters []filter, broken bool, err error) {
	if s == "" {
		return nil, false, nil
	}
	// Some clients encode twice; the server always decodes twice.
	text, err := url.PathUnescape(s)
	if err != nil {
		return nil, false, jsError("URIError", "URI malformed")
	}
	var parsed any
	if parsed, err = parseJSON(text); err != nil {
		return nil, false, err
	}
	list, ok := parsed.([]any)
	if !ok {
		return nil, false, jsError("Error", "must be an array")
	}
	for _, item := range list {
		obj, ok := item.(map[string]any)
		if !ok {
			return nil, false, jsError("TypeError", "Cannot use 'in' operator to search for 'value' in "+jsText(item))
		}
		more, bad, err := parseFilter(obj)
		if err != nil {
			return nil, false, err
		}
		filters, broken = append(filters, more...), broken || bad
	}
	return filters, broken, nil
}

func parseFilter(obj map[string]any) (filters []filter, broken bool, err error) {
	field := jsText(obj["id"])
	value, ok := obj["value"]
	if !ok {
		return nil, false, jsError("Error", `missing filter value for id "`+field+`"`)
	}
	if !knownField(field) {
		return nil, false, jsError("Error", `unknown field: "`+field+`"`)
	}
	if field != "createdAt" && field != "updatedAt" {
		return []filter{{field: field, op: "=", text: jsText(value), never: value == nil}}, false, nil
	}
	comparisons, ok := value.(map[string]any)
	if !ok {
		comparisons = map[string]any{"=": value}
	}
	for _, op := range slices.Sorted(maps.Keys(comparisons)) {
		if !slices.Contains([]string{"gt", "gte", "lt", "lte"}, op) && ok {
			return nil, false, jsError("Error", `unknown comparison: "`+op+`"`)
		}
		f := filter{field: field, op: op, never: comparisons[op] == nil}
		if !f.never {
			if f.number, err = strconv.ParseFloat(jsText(comparisons[op]), 64); err != nil {
				broken = true
			}
		}
		filters = append(filters, f)
	}
	return filters, broken, nil
}

// jsError is an error as JavaScript puts it into a string.
func jsError(kind, message string) error { return fmt.Errorf("%s: %s", kind, message) }

// jsText is a JSON value as JavaScript puts it into a string.
func jsText(v any) string {
	switch v := v.(type) {
	case nil:
		return "undefined"
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return "[object Object]"
}

func parseJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	if err == nil {
		if rest := strings.TrimSpace(text[d.InputOffset():]); rest != "" {
			return nil, unexpected(rest[0], text)
		}
		return v, nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset >= 1 && syntax.Offset <= int64(len(text)) {
		return nil, unexpected(text[syntax.Offset-1], text)
	}
	return nil, jsError("SyntaxError", "Unexpected end of JSON input")
}

func unexpected(c byte, text string) error {
	return jsError("SyntaxError", "Unexpected token '"+string(rune(c))+"', \""+text+"\" is not valid JSON")
}

// matches reports whether the filter keeps e.
func (f filter) matches(e *entry) bool {
	switch f.field {
	case "createdAt":
		return !f.never && e.created != absent && f.compare(float64(e.created))
	case "updatedAt":
		return !f.never && e.updated != absent && f.compare(float64(e.updated))
	}
	return !f.never && f.text != "" && f.text == e.text(f.field)
}

func (f filter) compare(v float64) bool {
	switch f.op {
	case "gt":
		return v > f.number
	case "gte":
		return v >= f.number
	case "lt":
		return v < f.number
	case "lte":
		return v <= f.number
	}
	return v == f.number
}
