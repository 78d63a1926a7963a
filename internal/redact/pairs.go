// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"regexp"
	"strings"
)

// yamlBlock announces a value of several lines in YAML.
var yamlBlock = regexp.MustCompile(`^[ \t]*[|>][+-]?[ \t]*\r?\n`)

// maskPairs masks the value of each credential-like key in s: key=value, key: value, "key": "value", 'key' => "value",
// a[key]=value, <key>value</key>, also as JSON quoted inside a string.
func maskPairs(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != ':' && c != '=' && c != '>' || strings.HasPrefix(s[i:], "://") {
			continue
		}
		key, quoted := keyBefore(s[done:i])
		sure := credentialKey(key)
		if !sure && !keyLike(key) || c == '>' && !strings.HasSuffix(s[done:i], "<"+key) {
			continue
		}
		start, end := valueAfter(s, i, key, quoted)
		if start == end || s[start:end] == Mask || !sure && !credentialValue(s[start:end]) {
			continue
		}
		b.WriteString(s[done:start])
		b.WriteString(Mask)
		done, i = end, end-1
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// keyBefore returns the key at the end of s, and whether it is in quotes.
func keyBefore(s string) (key string, quoted bool) {
	s = strings.TrimRight(s, " \t")
	bare := strings.TrimRight(s, `"'\[]`)
	end := len(bare)
	start := end
	for start > 0 && (isAlnum(bare[start-1]) || strings.IndexByte("_-.", bare[start-1]) >= 0) {
		start--
	}
	return bare[start:end], len(bare) < len(s)
}

// valueAfter returns where the value after the separator s[sep] starts and ends.
func valueAfter(s string, sep int, key string, quotedKey bool) (start, end int) {
	space := " \t\r\n"
	if !quotedKey && manyWords(key) {
		space = " \t"
	}
	start = sep + 1
	for start < len(s) && strings.IndexByte(":=>", s[start]) >= 0 {
		start++
	}
	if block := yamlBlock.FindString(s[start:]); block != "" {
		start += len(block)
	}
	value := strings.TrimLeft(s[start:], space)
	spaced := len(value) < len(s)-start
	opening := strings.TrimLeft(value, `\`)
	escaped := len(opening) < len(value)
	start = len(s) - len(opening)
	switch {
	case opening == "" || strings.HasPrefix(opening, Mask) && isEnd(opening[len(Mask):]):
		return start, start
	case opening[0] == '"' || opening[0] == '\'':
		return start + 1, start + 1 + closingQuote(opening[1:], opening[0], escaped)
	case opening[0] == '{' || opening[0] == '[':
		end = start + closingBracket(opening)
		if !isEnd(s[end:]) {
			end += bareEnd(s[end:], key)
		}
		return start, end
	}
	end = start + bareEnd(opening, key)
	if weak[strings.ToLower(key)] && !quotedKey && spaced && isProse(s[start:end]) {
		return start, start
	}
	return start, end
}

// isProse reports whether value, after a key that is an ordinary word, is one as well, or a number.
func isProse(value string) bool {
	return !opaque(value) || strings.Trim(value, "0123456789") == ""
}

// isEnd reports whether a value that is followed by rest ends there.
func isEnd(rest string) bool {
	return rest == "" || strings.IndexByte(valueStop+trailing+"]", rest[0]) >= 0
}

// valueStop ends a value without quotes.
const valueStop = " \t\r\n\v\f\"'<>`&"

// bareEnd returns the length of the value without quotes that s starts with. A header can have a value of several words.
func bareEnd(s, key string) int {
	end := len(s)
	if i := strings.IndexAny(s, valueStop); i >= 0 {
		end = i
	}
	switch first := strings.ToLower(s[:end]); {
	case first == "bearer" || first == "basic" || first == "negotiate":
		rest := strings.TrimLeft(s[end:], " \t")
		end = len(s)
		if i := strings.IndexAny(rest, valueStop); i >= 0 {
			end = len(s) - len(rest) + i
		}
	case manyWords(key):
		end = len(s)
		if i := strings.IndexAny(s, "\r\n'"); i >= 0 {
			end = i
		}
	}
	return len(strings.TrimRight(s[:end], trailing+" \t"))
}

// manyWords reports whether key is a header, or a list of words, whose value reaches to the end of the line.
func manyWords(key string) bool {
	key = strings.ToLower(key)
	return strings.HasSuffix(key, "authorization") || strings.HasSuffix(key, "cookie") ||
		strings.HasSuffix(key, "mnemonic") || strings.HasSuffix(key, "phrase") && strings.HasPrefix(key, "seed")
}

// closingQuote returns the length of the value in quotes that s starts with; one that is cut off reaches to the end.
// escaped: the quotes themselves are escaped, and so is every one inside the value, once more.
func closingQuote(s string, quote byte, escaped bool) int {
	for i, slashes := 0, 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			slashes++
			continue
		case s[i] == quote && escaped && slashes <= 1:
			return i - slashes
		case s[i] == quote && !escaped && slashes%2 == 0:
			return i
		}
		slashes = 0
	}
	return len(s)
}

// closingBracket returns the length of the JSON array or object that s starts with; one that is cut off reaches to the end.
func closingBracket(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}
