// SPDX-License-Identifier: Apache-2.0

package words

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

// Look is what a value consists of.
type Look struct {
	Digits, Lowers, Uppers, others int
	Turns                          int // from letters to digits and back
	Longest                        int // run of letters and digits
	hex                            bool
}

// Letters is how many letters there are.
func (l *Look) Letters() int { return l.Lowers + l.Uppers }

// LookAt returns what s consists of.
func LookAt(s string) (l Look) {
	l.hex = true
	run, before := 0, byte(0)
	for i := range len(s) {
		c, kind := s[i], byte('a')
		switch {
		case c >= '0' && c <= '9':
			l.Digits++
			kind = '0'
		case c >= 'a' && c <= 'z':
			l.Lowers++
		case view.IsUpper(c):
			l.Uppers++
		default:
			l.others++
			kind = 0
		}
		l.hex = l.hex && (c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f')
		if run++; kind == 0 {
			run = 0
		} else if before != 0 && before != kind {
			l.Turns++
		}
		l.Longest = max(l.Longest, run)
		before = kind
	}
	return l
}

// Mixed reports whether s has what a word of a sentence has not: a password, perhaps. What else has it, is none.
func Mixed(s string) bool {
	l := LookAt(s)
	odd := l.Letters() > 0 && (l.Digits > 0 || strings.ContainsAny(s, "!@#$%^&*+=~|\\")) || len(s) >= 32
	return odd && l.Letters()+l.Digits >= 4 && !IsPlainFact(s, &l)
}

// IsOdd reports whether s is mixed, and more than several words in one.
func IsOdd(s string) bool { return Mixed(s) && strings.ContainsAny(s, "0123456789!@#$%^&*+~") }

// TokenLike reports whether s, which stands where a word is expected, rather is a token.
func TokenLike(s string) bool {
	const short, long = 12, 32
	l := LookAt(s)
	return l.Digits > 0 && (l.Longest >= long || len(s) >= short && l.Letters() > 0) && !IsPlainFact(s, &l)
}

const shortestJumble = 8

// Opaque reports whether s looks like made by a machine, so that nobody could say it aloud.
func Opaque(s string) bool {
	if len(s) < shortestJumble || !Jumbled(s) && !isUUID(s) { // of a UUID, some groups have no more turns than a word
		return false
	}
	l := LookAt(s)
	return !IsPlainFact(s, &l)
}

// Jumbled reports whether s has a run of letters and digits without any order: with many turns between letters and digits, or
// between upper and lower case.
func Jumbled(s string) bool {
	for run := range strings.FieldsFuncSeq(s, isSign) {
		if len(run) < shortestJumble {
			continue
		}
		l := LookAt(run)
		turns := CaseTurns(run)
		switch {
		case len(run) >= 32 && l.Digits > 0, l.Turns >= 4, l.Turns >= 3 && l.Uppers > 0 && l.Lowers > 0,
			l.Turns >= 2 && (turns > 2 && len(run) >= 10 || len(run) >= 16 && l.Digits >= 3),
			len(run) >= 16 && turns*5 >= len(run)*2 && loneLetters(run) > 1:
			return true
		}
	}
	if len(s) < 2*shortestJumble {
		return false
	}
	l := LookAt(s) // with signs strewn in
	odd := l.Digits >= 3 && len(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("!@$%^&*+~=|", r) })) > 3
	return (l.Turns >= 7 || odd) && strings.IndexByte(s, ' ') < 0 && l.Uppers >= 4 && l.Lowers >= 4 && l.others*4 <= len(s)
}

// isSign reports whether r is in ASCII and neither a letter nor a digit.
func isSign(r rune) bool {
	return r < 0x80 && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
}

// loneLetters counts the letters in lower case that stand between two in upper case.
func loneLetters(s string) (n int) {
	for i := 1; i+1 < len(s); i++ {
		if view.IsUpper(s[i-1]) && !view.IsUpper(s[i]) && view.IsUpper(s[i+1]) {
			n++
		}
	}
	return n
}

// CaseTurns counts how often letters of s change to upper case and back.
func CaseTurns(s string) (n int) {
	for i := 1; i < len(s); i++ {
		if view.IsLetter(s[i]) && view.IsLetter(s[i-1]) && view.IsUpper(s[i]) != view.IsUpper(s[i-1]) {
			n++
		}
	}
	return n
}

// IsPlainFact reports whether s is something that people need to read: a file, a path, an address, a date, a number with a
// unit, the name of a format.
func IsPlainFact(s string, l *Look) bool {
	const address = 40 // of a contract, in hexadecimal digits
	switch {
	case s == "", l.others == 0 && l.Letters() == 0 && len(s) < 6, IsMeasure(s, l), IsFile(s), isHost(s, l), strings.Contains(s, "://"),
		strings.HasPrefix(s, "0x") && (len(s) == len("0x")+address || len(s) <= len("0x")+8), isCID(s, l),
		l.Digits > 0 && (l.others > 0 && isDate(s) || isAlgorithm(s)):
		return true
	case l.others == 0 || strings.IndexByte(s, '/') < 0 || s[0] != '/' && strings.ContainsAny(s, "+="):
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if Jumbled(part) {
			return false
		}
	}
	return true
}

// IsMeasure reports whether s is a number with a unit, a size, a version, or a short name with a number: 1080p60, 30fps, 1280x720,
// v1.2.3, AES-128, H.264, ERC721, 2.5MB/s.
func IsMeasure(s string, l *Look) bool {
	const longest, most = 20, 6 // bytes, letters
	if l.Digits == 0 || len(s) > longest || l.Turns > 3 || l.Letters() > most || l.Lowers > 0 && l.Uppers > 0 && l.Turns > 1 {
		return false
	}
	word := 0
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune("0123456789.,:-+/_%", r) }) {
		if strings.Trim(w, view.Alphabet) != "" {
			return false
		}
		word = max(word, len(w))
	}
	switch first := s[0]; {
	case first >= '0' && first <= '9' || first == '-' || first == '+':
		return word <= 3
	case first|0x20 == 'v' && word == 1:
		return true
	}
	return word <= 4 && len(s) <= 9 && l.Digits <= 4 && l.Turns < 3
}

// isDate reports whether s begins like a date or a time.
func isDate(s string) bool {
	n := len(s) - len(strings.TrimLeft(s, "0123456789"))
	return (n == 4 || n == 2 || n == 1) && n+1 < len(s) && strings.IndexByte("-:/.", s[n]) >= 0 && view.IsDigits(s[n+1:n+2]) &&
		strings.Trim(s, "0123456789-:/.+TZUCtz ") == ""
}

var algorithms = Set("algorithm")

// isAlgorithm reports whether s is the name of an algorithm: RSA-SHA256.
func isAlgorithm(s string) bool {
	for part := range strings.FieldsFuncSeq(strings.ToLower(s), isSign) {
		if !algorithms[part] {
			return false
		}
	}
	return true
}

var extensions = Set("extension")

// IsFile reports whether s ends like the name of a file, perhaps with a line: parse.go:12
func IsFile(s string) bool {
	dot := strings.LastIndexByte(s, '.')
	if dot <= 0 {
		return false
	}
	ext := s[dot+1:]
	if end := strings.IndexAny(ext, ":?"); end >= 0 {
		ext = ext[:end]
	}
	return len(ext) <= 10 && extensions[strings.ToLower(ext)]
}

// isHost reports whether s is the name or the address of a host, perhaps with a port.
func isHost(s string, l *Look) bool {
	host, port, found := strings.Cut(s, ":")
	if found && !view.IsDigits(port) || l.Uppers > 0 || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return false
	}
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 || dot == len(host)-1 {
		return host == "localhost"
	}
	top := host[dot+1:]
	named := len(top) >= 2 && len(top) <= 8 && strings.Trim(top, view.Alphabet) == "" && !Jumbled(host)
	return named || view.IsDigits(strings.ReplaceAll(host, ".", ""))
}

// IsID reports whether s looks like what Studio and others name things with: a UUID, a hash, a playback ID, a CID.
func IsID(s string) bool {
	l := LookAt(s)
	switch {
	case l.Letters() == 0:
		return true
	case isUUID(s):
		return true
	case l.others > 0:
		return false
	case l.hex:
		return len(s) >= 8 && (l.Uppers == 0 || l.Lowers == 0)
	}
	return len(s) == 16 && l.Uppers == 0 || isCID(s, &l)
}

// isUUID reports whether s is written as a UUID is.
func isUUID(s string) bool {
	if len(s) != 36 || strings.Count(s, "-") != 4 {
		return false
	}
	digits := LookAt(strings.ReplaceAll(s, "-", ""))
	return digits.hex
}

// isCID reports whether s is the address of a content in IPFS.
func isCID(s string, l *Look) bool {
	return l.others == 0 && (len(s) == 46 && strings.HasPrefix(s, "Qm") || len(s) > 50 && l.Uppers == 0 && strings.HasPrefix(s, "baf"))
}

// IsPlaceholder reports whether s stands in a statement for a value that is bound to it: ?, %s, $2.
func IsPlaceholder(s string) bool {
	return s == "?" || s == "%s" || len(s) < 5 && view.IsDigits(strings.TrimLeft(s, "$@p")) && !view.IsDigits(s)
}

var nothing, noValue = Set("nothing"), Set("no value")

// isRefusal reports whether s says that there is no value, or what is wrong with it: not set, too short.
func isRefusal(s string) bool {
	const longest = 32
	if len(s) > longest {
		return false
	}
	first, rest, found := strings.Cut(strings.ToLower(strings.Trim(s, "<>[](){}!?;.")), " ")
	return found && (first == "not" || first == "no" || first == "too") && noValue[strings.Trim(rest, " .!")]
}

// isHint reports whether s says what to put in its place: YOUR_API_KEY, STREAM_KEY, {streamKey}. The brace may have been cut off.
func isHint(s string) bool {
	const your = "your"
	switch {
	case strings.Trim(s, "{}_-"+view.Alphabet) != "":
		return false
	case s[0] == '{':
		return StrengthOf(strings.TrimRight(s[1:], "}")) != Open
	case strings.IndexByte(s, '_') > 0 && strings.ToUpper(s) == s:
		return StrengthOf(s) != Open || strings.HasPrefix(s, "YOUR_")
	}
	return view.HasFold(s, your) && len(s) > len(your) && (s[len(your)] == '_' || s[len(your)] == '-')
}

// IsNothing reports whether a value is none: a placeholder, a reference to another place, or what a program prints for nothing.
func IsNothing(s string) bool {
	switch {
	case strings.Trim(s, "*•●.-_#?<>[](){}\"'\\/|:;,=+&~") == "", len(s) > 2 && strings.Trim(s, "xX") == "", s == "0x0",
		s[0] == '<' && s[len(s)-1] == '>' && strings.Trim(s, "<> -_"+view.Alphabet) == "",
		s[0] == '[' && strings.Count(s, "_")+strings.Count(s, " ") > 1 && strings.Trim(s, "[] _-"+view.Alphabet) == "",
		s[0] == '&' && strings.Trim(s[1:], "_-"+view.Alphabet) == "", // an anchor of YAML
		isHint(s),
		s[0] == '%' && len(s) <= len("%+v") && view.IsLetter(s[len(s)-1]), // of a format
		s[0] == '&' && strings.HasSuffix(s, "{"),                          // a literal of Go
		IsPlaceholder(s), s[0] == '$' && len(s) > 3 && strings.Trim(s[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "",
		strings.HasPrefix(s, "$(") && strings.IndexByte(s, '/') > 0 && !strings.ContainsAny(s, "\"'\n"):
		return true
	}
	if kind, size, found := strings.Cut(s, "("); found && view.IsDigits(strings.TrimRight(size, ")")) { // varchar(255)
		s = kind
	}
	if nothing[strings.ToLower(strings.Trim(s, "<>[](){}!?;"))] {
		return true
	}
	if isRefusal(s) {
		return true
	}
	for _, opening := range []string{"${", "{{", "${{", "#{", "%{"} {
		rest, ok := strings.CutPrefix(s, opening)
		if ok && strings.HasSuffix(s, "}") && strings.Trim(rest, " }._-:"+view.Alphabet) == "" {
			return true
		}
	}
	return false
}
