// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxKey bounds how much of a key a path shows, in bytes.
const maxKey = 64

// JSON masks the credentials in a free-form JSON tree as encoding/json decodes it (map[string]any, []any, string,
// json.Number, float64, bool, nil): every value under a credential-like key is masked whole, save null, booleans and
// what is empty; every other string as by Text; and what looks like a credential in a key. It returns a new tree
// and leaves v alone. changed holds the paths of what changed, relative to v, such as "a.b[0].c", and "" for v itself.
func (r *Redactor) JSON(v any) (out any, changed []string) {
	w := &walker{r: r}
	out = w.walk("", v)
	return out, w.changed
}

type walker struct {
	r       *Redactor
	changed []string
}

func (w *walker) walk(path string, v any) any {
	switch v := v.(type) {
	case string:
		masked, changed := w.r.Text(v)
		if changed {
			w.changed = append(w.changed, path)
		}
		return masked
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = w.walk(path+"["+strconv.Itoa(i)+"]", item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		named := namesCredential(v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			w.member(out, path, key, v[key], named && strings.EqualFold(key, "value"))
		}
		return out
	default:
		return v
	}
}

// namesCredential reports whether the object v is a pair of a name and a value, and the name that of a credential.
func namesCredential(v map[string]any) bool {
	for _, key := range []string{"name", "Name", "key", "Key", "header", "Header"} {
		if name, ok := v[key].(string); ok && credentialKey(name) {
			return true
		}
	}
	return false
}

// member puts the masked form of key and value into out. secret: the value is a credential whatever the key.
func (w *walker) member(out map[string]any, path, key string, value any, secret bool) {
	name, changed := w.r.Text(key)
	if path != "" {
		path += "."
	}
	path += shorten(name)
	switch {
	case (secret || credentialKey(key) || credentialKey(name) || keyLike(key) && isCredentialText(value)) && holdsSomething(value):
		if value != any(Mask) {
			value, changed = Mask, true
		}
	default:
		value = w.walk(path, value)
	}
	if changed {
		w.changed = append(w.changed, path)
	}
	out[name] = value
}

// isCredentialText reports whether v is a string that looks like the value of a key.
func isCredentialText(v any) bool {
	s, ok := v.(string)
	return ok && credentialValue(s)
}

// holdsSomething reports whether v could be a credential at all.
func holdsSomething(v any) bool {
	switch v := v.(type) {
	case nil, bool:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	default:
		return true
	}
}

// shorten cuts a key that is too long for a path, between two characters.
func shorten(key string) string {
	if len(key) <= maxKey {
		return key
	}
	cut := maxKey
	for cut > 0 && !utf8.RuneStart(key[cut]) {
		cut--
	}
	return key[:cut] + "…"
}
