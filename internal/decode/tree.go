// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/scan"
)

var errNoJSON = errors.New("it is no JSON")

// Tree returns raw as a tree with numbers as json.Number. Of a repeated key the last counts; invalid UTF-8 is replaced.
// encoding/json gives the same result in three times the time. raw should be valid JSON: otherwise Tree returns an error, except that it
// takes an unknown word for a number.
func Tree(raw []byte) (any, error) {
	s := scan.New(raw)
	root := tree(s)
	if s.Failed() || s.Peek() != 0 {
		return nil, errNoJSON
	}
	return root, nil
}

func tree(s *scan.Scanner) any {
	switch s.Peek() {
	case '"':
		return string(s.Text())
	case '{':
		members := map[string]any{}
		s.Object(func(key []byte) {
			name := string(key)
			members[name] = tree(s)
		})
		return members
	case '[':
		elements := []any{}
		s.Array(func() { elements = append(elements, tree(s)) })
		return elements
	}
	switch word := string(s.Literal()); word {
	case "null":
		return nil
	case "true", "false":
		return word == "true"
	default:
		return json.Number(word)
	}
}

// canonical returns the canonical JSON of a tree, the same for equal documents, which the Kubernetes API server returns
// unchanged: keys in order, no white space, integers that fit into 64 bits as they are, all other numbers as the shortest text of a
// float64. Like the API server, it fails if a number is too large. It replaces the numbers of the tree.
func canonical(v any) ([]byte, error) {
	v, err := withNumbers(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// withNumbers replaces every json.Number in v by an int64 or a float64.
func withNumbers(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n, nil
		}
		f, ok := toFloat(v)
		if !ok {
			return nil, fmt.Errorf("a number of %d characters is too large", len(v))
		}
		return f, nil
	case []any:
		for i := range v {
			if v[i], err = withNumbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = withNumbers(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// rounded reports whether a number in v has more digits than are kept of it, such as the ID of a token with 256 bits.
func rounded(v any) bool {
	switch v := v.(type) {
	case json.Number:
		if _, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return false
		}
		f, ok := toFloat(v)
		return ok && digits(string(v)) != digits(strconv.FormatFloat(f, 'e', -1, 64))
	case []any:
		return slices.ContainsFunc(v, rounded)
	case map[string]any:
		for _, member := range v {
			if rounded(member) {
				return true
			}
		}
	}
	return false
}

// digits returns those of a number that tell it from others, wherever its point is.
func digits(number string) string {
	mantissa, _, _ := strings.Cut(strings.ToLower(number), "e")
	return strings.Trim(strings.NewReplacer(".", "", "-", "").Replace(mantissa), "0")
}

// measure adds up what v takes at least, in bytes of JSON, and reports whether it is at most size bytes and depth levels
// of arrays and objects. It looks no further than that.
func measure(v any, depth, size int) (int, bool) {
	total := 1
	switch v := v.(type) {
	case string:
		total = len(v) + len(`""`)
	case json.Number:
		total = len(v)
	case []any:
		for _, item := range v {
			n, ok := measure(item, depth-1, size-total)
			if total += n; !ok {
				return total, false
			}
		}
		return total, depth > 0 && total <= size
	case map[string]any:
		for key, item := range v {
			n, ok := measure(item, depth-1, size-total-len(key))
			if total += n + len(key); !ok {
				return total, false
			}
		}
		return total, depth > 0 && total <= size
	}
	return total, total <= size
}
