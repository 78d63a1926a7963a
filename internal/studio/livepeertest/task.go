// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Task is one task as the API shows it: a JSON object with fields such as id, type, createdAt (milliseconds since 1970),
// params, status and output. Values are what encoding/json knows; numbers read back from a Server are json.Number.
type Task map[string]any

// ErrNoID says that a task has no usable id.
var ErrNoID = errors.New("task without an id")

// absent stands for a time that the task does not have.
const absent = math.MinInt64

// entry is a stored task: its JSON, encoded once, and what queries look at. Entries never change; a changed task gets a
// new one, so answers can be written without holding a lock.
type entry struct {
	id, typ, phase                         string
	inputAsset, outputAsset, project, user string
	created, updated                       int64 // milliseconds, or absent
	deleted, poison                        bool
	unsortable                             bool // by its times: one is there, and no number
	malformed                              bool // the real server stumbles over it
	raw                                    []byte
}

func newEntry(t Task, raw []byte) (*entry, error) {
	text := func(key string) string { s, _ := t[key].(string); return s }
	status := object(t, "status")
	e := &entry{
		id: text("id"), typ: text("type"), inputAsset: text("inputAssetId"), outputAsset: text("outputAssetId"),
		project: text("projectId"), user: text("userId"),
		created: milliseconds(t["createdAt"]), updated: milliseconds(status["updatedAt"]),
		raw: raw,
	}
	e.unsortable = !sortable(t, "createdAt") || !sortable(status, "updatedAt")
	e.malformed = malformed(t)
	e.phase, _ = status["phase"].(string)
	e.deleted, _ = t["deleted"].(bool)
	if e.id == "" {
		return nil, ErrNoID
	}
	return e, nil
}

// encoded makes the entry of a task given as a map.
func encoded(t Task) (*entry, error) {
	raw, err := appendJSON(nil, map[string]any(t))
	if err != nil {
		return nil, fmt.Errorf("encoding task %v: %w", t["id"], err)
	}
	return newEntry(t, raw)
}

// decode reads a task's JSON, keeping numbers as they are written.
func decode(raw []byte) (Task, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var t Task
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("decoding task: %w", err)
	}
	return t, nil
}

// object returns the object under key, or an empty one.
func object(in map[string]any, key string) map[string]any {
	if m, ok := in[key].(map[string]any); ok {
		return m
	}
	return map[string]any{}
}

// malformed reports whether the real server stumbles over a row: an upload without params, or a transcode-file without an input or
// a place to store its output. Missing params do no harm to other types.
func malformed(t Task) bool {
	params, there := t["params"].(map[string]any)
	switch t["type"] {
	case "upload":
		return !there
	case "transcode-file":
		of := object(params, "transcode-file")
		_, input := of["input"].(map[string]any)
		_, stored := object(of, "storage")["url"].(string)
		return !input || !stored
	}
	return false
}

// sortable reports whether the database can sort by a time: not where it is there and no number.
func sortable(in map[string]any, key string) bool {
	v, there := in[key]
	return !there || milliseconds(v) != absent
}

func milliseconds(v any) int64 {
	switch n := v.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	case float64:
		return int64(n)
	case json.Number:
		if f, err := n.Float64(); err == nil {
			return int64(f)
		}
	}
	return absent
}

// appendJSON encodes v with the key order of the real server, whose database sorts keys by length first.
func appendJSON(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(x, y string) int { return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)) })
		b = append(b, '{')
		var err error
		for i, k := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, k); err != nil {
				return nil, err
			}
			b = append(b, ':')
			if b, err = appendJSON(b, v[k]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case []any:
		b = append(b, '[')
		var err error
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case string:
		if plain(v) {
			return append(append(append(b, '"'), v...), '"'), nil
		}
	}
	return appendOther(b, v)
}

func appendOther(b []byte, v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false) // the real server does not
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), nil
}

// plain reports whether s needs no escaping in JSON.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
