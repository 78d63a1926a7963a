// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"maps"
	"slices"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// plainer takes out of the texts and keys of free-form JSON what a terminal obeys.
type plainer struct {
	differs bool // something was taken out
	lost    bool // two keys of an object became one, and one of the values has no place any more
}

// tree returns v so.
func (p *plainer) tree(v any) any {
	switch v := v.(type) {
	case string:
		return p.text(v)
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = p.tree(item)
		}
		return items
	case map[string]any:
		return p.members(v)
	default:
		return v
	}
}

func (p *plainer) text(s string) string {
	text := redact.Plain(s)
	p.differs = p.differs || text != s
	return text
}

// members keeps, of keys that become one, the one that is so already, or else the first.
func (p *plainer) members(v map[string]any) map[string]any {
	members := make(map[string]any, len(v))
	for _, key := range slices.Sorted(maps.Keys(v)) {
		name := p.text(key)
		_, taken := members[name]
		if _, other := v[name]; taken || other && name != key {
			p.lost = true
			continue
		}
		members[name] = p.tree(v[key])
	}
	return members
}

// fewer reports whether an object in a tree has fewer members than before: keys that were masked became one. What was masked whole has
// nothing to be compared.
func fewer(before, after any) bool {
	switch before := before.(type) {
	case []any:
		items, _ := after.([]any)
		for i := range items {
			if i < len(before) && fewer(before[i], items[i]) {
				return true
			}
		}
	case map[string]any:
		members, same := after.(map[string]any)
		if same && len(members) < len(before) {
			return true
		}
		for key, value := range members {
			if fewer(before[key], value) {
				return true
			}
		}
	}
	return false
}
