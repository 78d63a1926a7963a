// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// maxKey bounds how much of a key a path shows, in bytes.
const maxKey = 64

// JSON masks the credentials in a free-form JSON tree as encoding/json decodes it (map[string]any, []any, string,
// json.Number, float64, bool, nil): every value under a credential-like key is masked whole, save null, booleans and
// what is empty; every other string as by Text; and what looks like a credential in a key. It returns a new tree
// and leaves v alone. changed holds the paths of what changed, relative to v, such as "a.b[0].c", and "" for v itself.
func (r *Redactor) JSON(v any) (out any, changed []string) {
	w := &walker{r: r}
	out = w.walk("", "", v)
	return out, w.changed
}

type walker struct {
	r       *Redactor
	changed []string
}

// walk returns v with its credentials masked. owner is the name that it belongs to, perhaps as an entry of lists.
func (w *walker) walk(path, owner string, v any) any {
	switch v := v.(type) {
	case string:
		masked, changed := w.r.Text(v)
		if changed {
			w.changed = append(w.changed, path)
		}
		return masked
	case []any:
		out := make([]any, len(v))
		said := w.together(v)
		inKey := false // a private key, line by line
		for i, item := range v {
			place := path + "[" + strconv.Itoa(i) + "]"
			line, _ := item.(string)
			inKey = inKey && !strings.Contains(line, "-END ")
			switch {
			case inKey && line != "":
				out[i] = w.whole(place, item)
			case i < len(said) && said[i] != item:
				out[i] = said[i]
				w.changed = append(w.changed, place)
			case i > 0 && holdsSecret(strengthBefore(v, i), item, false):
				out[i] = w.whole(place, item)
			default:
				out[i] = w.walk(place, owner, item)
			}
			inKey = inKey || strings.Contains(line, "-BEGIN ") && strings.Contains(line, "PRIVATE") && !strings.Contains(line, "-END ")
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		beside := named(v)
		if _, pair := v["value"]; pair { // {"key": "a", "value": "b"}
			owner = ""
		} else if slices.ContainsFunc(slices.Collect(maps.Values(v)), isStreamTo) {
			owner = "stream"
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if isSecretMember(v, key) {
				out[key] = w.whole(at(path, key), v[key])
			} else {
				w.member(out, path, owner, key, v[key], beside)
			}
		}
		return out
	default:
		return v
	}
}

// together masks a list of texts as a text, so that they may be the arguments of one command; nil where it is no such list, or nothing is
// masked so.
func (w *walker) together(v []any) []any {
	const most = 64
	if len(v) < 2 || len(v) > most || slices.ContainsFunc(v, func(item any) bool { return !isText(item) }) {
		return nil
	}
	list, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	masked, changed := w.r.Text(string(list))
	var said []any
	if !changed || json.Unmarshal([]byte(masked), &said) != nil || len(said) != len(v) ||
		slices.ContainsFunc(said, func(item any) bool { return !isText(item) }) {
		return nil
	}
	return said
}

// strengthBefore returns how surely what is before the entry at i of v names that as a credential: in a pair, or as an option.
func strengthBefore(v []any, i int) words.Strength {
	name, _ := v[i-1].(string)
	value, _ := v[i].(string)
	option := strings.HasPrefix(name, "-") && !strings.HasPrefix(value, "-")
	if strings.ContainsAny(name, " \t\n=:") || !option && len(v) != 2 && !words.Opaque(value) {
		return words.Open
	}
	return words.StrengthOf(name)
}

// named returns how surely the object v is a pair of a name and a value, and the name that of a credential.
func named(v map[string]any) words.Strength {
	for key, value := range v {
		name, ok := value.(string)
		if path, isPath := value.([]any); isPath && len(path) > 0 { // {"path": ["user", "password"], "received": "hunter2"}
			name, ok = path[len(path)-1].(string)
		}
		if ok && len(name) <= words.MaxName && words.IsKeyOf(key, words.IsAnyName) {
			if s := words.StrengthOf(name); s != words.Open {
				return s
			}
		}
	}
	return words.Open
}

// member puts the masked form of key and value into out. owner is the name of the object, beside how surely another member names a
// credential.
func (w *walker) member(out map[string]any, path, owner, key string, value any, beside words.Strength) {
	name, changed := w.r.Text(key)
	path = at(path, shorten(name))
	s := max(words.StrengthOf(view.Of(key).Text), words.StrengthOf(name))
	if words.IsKeyOf(key, words.IsAnyValue) {
		s = max(s, beside)
	}
	text, _ := value.(string)
	if number, isNumber := value.(json.Number); isNumber {
		text = string(number)
	}
	if !words.IsFile(text) {
		s = max(s, words.StrengthWithin(owner, name))
	}
	if list, isList := value.([]any); isList && s == words.Unsure {
		value = w.keys(path, list)
	}
	secret := holdsSecret(s, value, strings.HasSuffix(strings.ToLower(key), "auth")) && !words.IsSessionID(key, text) &&
		!words.IsMode(key, text)
	if secret || words.IsCodeOf(key, text) {
		value = w.whole(path, value)
	} else {
		value = w.walk(path, name, value)
	}
	if changed {
		w.changed = append(w.changed, path)
	}
	out[name] = value
}

// keys returns a list of keys of any kind without those that are credentials.
func (w *walker) keys(path string, list []any) []any {
	out := slices.Clone(list)
	for i, item := range out {
		if isText(item) && holdsSecret(words.Unsure, item, false) {
			out[i] = w.whole(path+"["+strconv.Itoa(i)+"]", item)
		}
	}
	return out
}

// isSecretMember reports whether an object has its secret under a key by its kind: a JSON web key, what answers a challenge, or where to
// stream to, as YouTube says it.
func isSecretMember(v map[string]any, key string) bool {
	has := func(name string) bool { return isText(v[name]) }
	return words.IsWebKeyMember(key) && (has("kty") || has("kid") && has("k")) ||
		key == "response" && has("nonce") && (has("realm") || has("username")) ||
		words.IsStreamName(key) && holdsToken(v[key]) && slices.ContainsFunc(slices.Collect(maps.Values(v)), isStreamTo)
}

func holdsToken(v any) bool {
	text, _ := v.(string)
	return words.TokenLike(text)
}

func isStreamTo(v any) bool {
	text, _ := v.(string)
	return words.IsStreamTo(text)
}

// at is the path of what has this name in what is at path.
func at(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// whole masks v whole.
func (w *walker) whole(path string, v any) any {
	if v != any(Mask) {
		w.changed = append(w.changed, path)
	}
	return Mask
}

// holdsSecret reports whether v, which has a name of strength s, is a credential. auth: the name is auth, or ends so.
func holdsSecret(s words.Strength, v any, auth bool) bool {
	switch v := v.(type) {
	case nil, bool:
		return false
	case string:
		l := words.LookAt(v)
		return v != "" && !words.IsNothing(v) && (s > words.Weak || s == words.Weak && !words.IsProse(v) && !words.IsMeasure(v, &l) &&
			!words.IsFile(v) || s == words.Unsure && words.IsKeyValue(v))
	case []any: // of tokens, or of facts about each
		return len(v) > 0 && (s > words.Weak || s == words.Weak && slices.ContainsFunc(v, func(item any) bool {
			return isText(item) || !isList(item) && holdsSecret(s, item, auth)
		}))
	case map[string]any: // a session, say, with facts about it
		made := slices.ContainsFunc(slices.Collect(maps.Values(v)), holdsToken) ||
			slices.ContainsFunc(slices.Collect(maps.Keys(v)), words.TokenLike)
		return len(v) > 0 && (s > words.Weak || s == words.Weak && (auth || made))
	default:
		return s > words.Weak
	}
}

func isList(v any) bool {
	_, ok := v.([]any)
	return ok
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
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
