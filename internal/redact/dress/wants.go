// SPDX-License-Identifier: Apache-2.0

package dress

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// wants reports whether the value v of s is a credential.
func (m *Masker) wants(s *subject, l link, v *page.Value) bool {
	text := m.Text[v.Start:min(v.End, v.Start+page.MaxLook)]
	header := words.ManyWords(s.word)
	switch {
	case m.Counts(v, text), l.bond == assigned && m.LeadsOn(v, text), m.isHead(s, v, text):
		return false
	case words.IsNothing(text), header && words.IsProse(text) && words.IsNothing(text[strings.LastIndexByte(text, ' ')+1:]),
		words.IsSessionID(s.word, text), m.goesOn(s, l, v, text), s.flag && strings.HasPrefix(text, "--") && view.IsLetter(m.At(v.Start+2)),
		l.bond == colon && s.strength == words.Weak && !v.Quoted && m.Operator(v.End) == ":" && !words.TokenLike(text): // a key itself
		return false
	case strings.EqualFold(s.word, "pin"):
		return (l.bond > spaced || v.Quoted || m.complained(s)) &&
			(view.IsDigits(text) && len(text) >= 4 && len(text) <= 8 || v.Quoted && words.Mixed(text))
	}
	switch l.bond {
	case paired:
		return words.Roles(strings.ToLower(text)) == 0 && (m.isPair(s, v) || words.Opaque(text)) &&
			(s.strength > words.Unsure || words.TokenLike(text))
	case called:
		return s.strength > words.Unsure && !words.IsSentence(text, 1) && (v.Quoted || !strings.HasPrefix(text, "0x")) && // an address
			(v.Quoted || words.Mixed(text) && !strings.ContainsAny(text, " ("))
	case spaced:
		return !v.Bracket && (!l.glued || words.Mixed(text)) && m.wantsSpaced(s, l, v, text)
	case colon:
		if m.At(s.start-1) == '/' && m.At(v.Start-1) == ' ' && !v.Quoted && !words.Mixed(text) { // open /etc/passwd: permission denied
			return false
		}
		if words.StrengthOf(text) >= words.Noun && !words.Mixed(text) && m.At(v.Next) == ' ' && strings.IndexByte(text, '\n') < 0 {
			return false // secrets is forbidden
		}
		certain := words.IsIdentifier(s.word) && !words.IsProse(text) || strings.ContainsAny(text, "\"'`(") || m.isLogin(s, v)
		if v.Quoted || certain && (s.strength == words.Weak || s.strength == words.Noun) ||
			s.strength < words.Sure && !words.IsProse(text) && m.isMember(s, v) {
			break
		}
		subject := words.IsSubject(strings.ToLower(text))
		if subject && m.At(v.Next) == ' ' && view.IsLetter(m.At(v.Next+1)) && !m.PairFollows(v.Next) {
			return false // jwt: signature is invalid
		}
		if header && words.IsRemark(s.word, text) || !v.Quoted && (words.IsFile(text) || words.IsForeign(text)) {
			return false
		}
		if words.IsProse(text) && (!header || strings.IndexByte(text, ' ') < 0 || words.IsSentence(text, 3)) {
			return false
		}
		switch s.strength {
		case words.Sure:
			if strings.EqualFold(s.word, "pwd") || view.IsDigits(text) {
				return (len(text) > 3 || m.Alone(v)) && words.IsValueOf(s.word, s.strength, text, v.Quoted, v.Bracket) // no 8 bytes
			}
			asked := view.HasFold(m.Text[m.Spaces(s.end):], "for ") // by a program: a sentence may follow
			return !l.line && !asked || words.Mixed(text) || m.Alone(v)
		case words.Noun:
			return words.Mixed(text) || len(text) > 24 || m.Alone(v) && l.line
		case words.Weak:
			return words.IsToken(text) && (header || !words.IsSetting(text))
		}
		return words.IsBase64(text) || words.Opaque(text) && !words.IsID(text) && !strings.ContainsAny(text, "./: ")
	}
	return words.IsValueOf(s.word, s.strength, text, v.Quoted, v.Bracket) ||
		s.flag && s.strength == words.Unsure && strings.IndexByte(s.word, '-') > 0 && words.Mixed(text) // --sse-c-key hunter2
}

// isHead reports whether v is rather the head of the column behind that of s: PASSWORD   AGE
func (m *Masker) isHead(s *subject, v *page.Value, text string) bool {
	text, _, _ = strings.Cut(text, "\n")
	gap := m.Text[s.end:max(s.end, v.Start)]
	return strings.HasPrefix(gap, "  ") && strings.TrimSpace(gap) == "" && !words.Mixed(text) &&
		(text == strings.ToUpper(text) && s.word == strings.ToUpper(s.word) || strings.HasPrefix(m.Text[v.Next:], "  "))
}

// goesOn reports whether what follows s, an option or a name in quotes, is rather how a sentence goes on: --password is deprecated,
// --password: parse error, "password": rejected value.
func (m *Masker) goesOn(s *subject, l link, v *page.Value, text string) bool {
	next := m.At(v.Next + 1)
	switch {
	case v.Quoted:
		return false
	case m.At(v.Next) == ' ' && view.IsQuote(next): // "creds" : secret "creds", KEY: parsing "hunter2"
		return (s.quote != 0 || l.bond == colon) && !words.Mixed(text)
	case !s.flag && s.quote == 0:
		return false
	case s.flag && (strings.ToUpper(text) == text && words.StrengthOf(text) != words.Open || l.line && !m.Alone(v)): // --password PASSWORD
		return true
	}
	return m.At(v.Next) == ' ' && (view.IsLetter(next) || m.At(s.end) == ',') && // --password, see --help
		(words.IsProse(text) || s.flag && (l.bond == colon || m.At(s.end) == ',') && !words.Mixed(text))
}

func (m *Masker) wantsSpaced(s *subject, l link, v *page.Value, text string) bool {
	text = strings.Trim(text, "*`_")
	name := s.word[strings.LastIndexByte(s.word, ' ')+1:]
	switch {
	case words.IsPairLike(text) && (s.strength < words.Sure || !v.Quoted || !words.Mixed(text)):
		return false
	case view.IsDigits(text) && words.Roles(words.LastWord(s.word))&words.IsCode != 0: // OTP 123456
		return len(text) >= 6 && len(text) <= 8
	case s.strength == words.Sure && v.Quoted:
		keyName := (view.HasFold(s.word, "api ") || view.HasFold(s.word, "signing ")) && !m.complained(s) // a key may have a name
		class := words.CaseTurns(text) > 2 && words.StrengthOf(text) != words.Open && !words.Mixed(text)  // set to "UserCredential"
		return !class && !words.IsSentence(text, 1) && !words.IsFile(text) && !strings.Contains(text, `:"`) &&
			(!keyName || words.Mixed(text))
	case s.strength == words.Sure:
		isID := view.HasFold(s.word, "signing ") && words.IsID(text) && strings.Count(text, "-") == 4 // in Studio
		return (words.Mixed(text) || m.isSetting(s, l, v) || m.isLogin(s, v)) && !words.IsProse(text) && !isID
	case strings.ToUpper(name) == name && strings.HasSuffix(m.Text[s.end:v.Start], " '") && words.Mixed(text): // a clause: KEY 'hunter2'
		return words.Roles(words.FirstWord(s.word))&words.IsOf == 0
	case s.strength == words.Unsure && v.Quoted:
		return words.IsKeyValue(text) && !words.IsID(text)
	case s.strength == words.Unsure:
		return words.IsBase64(text) || words.Opaque(text) && !words.IsID(text) && !strings.ContainsAny(text, "./: ")
	case strings.EqualFold(s.word, "session") && words.IsID(text): // its ID in Studio
		return false
	}
	rest, _ := view.CutAny(strings.TrimPrefix(m.Text[v.Next:min(len(m.Text), v.Next+page.MaxScheme)], ")"), "\n\"")
	goesOn := rest != "" && (rest[0] == ' ' || v.Quoted && rest[0] == ':') && words.IsProse(strings.TrimLeft(rest, ": 0123456789"))
	one := words.Mixed(text) && !words.IsID(text) && !strings.ContainsAny(text, "-_./:") && m.At(s.end) == ' '
	judged := one && (goesOn || m.Alone(v) || m.complained(s)) && !view.HasFold(m.Text[max(0, s.start-len("unexpected ")):], "unexpected ")
	disputed := slices.ContainsFunc(words.List("dispute"), func(w string) bool { return strings.Contains(rest, w) })
	odd := (s.strength == words.Noun || v.Quoted && !m.complained(s)) && strings.Trim(text, "0123456789"+view.Alphabet) != "" // no name
	if m.isLogin(s, v) && !words.IsProse(text) || judged && (s.strength == words.Weak || disputed) || one && odd {
		return true
	}
	stated := words.LastWord(strings.TrimRight(m.Text[s.end:v.Start], "\"'` "))
	isStated, isName := stated == "is" || stated == "was" || stated == "to", words.IsIdentifier(s.word)
	if isStated && (s.strength == words.Noun || isName) || // the secret is hunter2
		isName && words.Roles(words.FirstWord(s.word))&words.IsAsking == 0 && m.At(v.Start-1) != ',' && // authToken hunter2
			strings.ContainsAny(text, "0123456789") && !strings.ContainsAny(text, "(){}[]:`\"") {
		return words.Mixed(text)
	}
	return words.Opaque(text) && len(text) >= 12
}

// isUserPair reports whether v, beside the word credentials, begins with a user and a password, and makes it reach over both: bob:hunter2,
// bob / hunter2.
func (m *Masker) isUserPair(s *subject, l link, v *page.Value) bool {
	if v.Bracket || l.bond > colon {
		return false
	}
	before := strings.TrimSpace(strings.ToLower(m.LineBefore(s.start, page.MaxScheme)))
	user := strings.TrimRight(before, "/:") // user/pass: bob/hunter2
	slash := user != before
	user = user[strings.LastIndexAny(strings.TrimSpace(user), " \n\"(")+1:]
	pair := strings.HasSuffix(before, "basic") || slash && slices.Contains(words.List("user"), strings.TrimSpace(user))
	if s.strength != words.Noun && !pair {
		return false
	}
	end := v.End
	if rest, found := strings.CutPrefix(m.Text[end:], " / "); found && rest != "" {
		end = m.Bare(end+len(" / "), m.Depth(v.Start), true)
	}
	text := m.Text[v.Start:min(end, v.Start+page.MaxLook)]
	user, password, found := strings.Cut(text, ":")
	isLogin := slices.Contains(words.List("user"), strings.ToLower(s.word)) // default credentials admin/hunter2
	for _, sep := range []string{" / ", "/"} {
		if !found && (pair || sep == " / " || isLogin && words.Mixed(text[strings.IndexByte(text, '/')+1:])) {
			user, password, found = strings.Cut(text, sep)
		}
	}
	named := found && strings.Trim(user, "_-.@0123456789"+view.Alphabet) == "" && !words.IsProse(user) &&
		words.Roles(strings.ToLower(user))&^words.IsSecretKey == 0
	if !named || password == "" || words.IsNothing(password) || words.IsProse(password) || view.IsDigits(password) {
		return false
	}
	whole := page.Unquoted(v.Start, end)
	if !m.Alone(&whole) && !words.Mixed(password) {
		return false
	}
	*v = whole
	return true
}

// isSetting reports whether s and v are all that is in a line, or s is a variable of the environment at the end of one.
func (m *Masker) isSetting(s *subject, l link, v *page.Value) bool {
	before := strings.TrimSpace(m.LineBefore(s.start, maxAside))
	variable := strings.ToUpper(s.word) == s.word
	return words.IsIdentifier(s.word) && strings.IndexByte(s.word, '-') < 0 && !l.line && s.quote == 0 && m.At(s.end) == ' ' &&
		(before == "" || strings.IndexByte(":\"", before[len(before)-1]) >= 0 || variable) && (m.Alone(v) || m.At(v.Next) == ';')
}

// complained reports whether the word before s says that it was wrong: then what follows in quotes is what was given.
func (m *Masker) complained(s *subject) bool {
	before := strings.Fields(strings.ToLower(m.LineBefore(s.start, maxAside)))
	return len(before) > 0 && words.Roles(words.LastWord(before[len(before)-1]))&words.IsAsking != 0
}

// isPair reports whether s and v are all that is in a pair of brackets, or in a line, or arguments of a function.
func (m *Masker) isPair(s *subject, v *page.Value) bool {
	i, j := s.start-1, v.Next
	if s.quote != 0 || m.At(i) == ':' && view.IsQuote(m.At(v.Start-1)) {
		i--
	}
	for m.At(i) == ' ' || m.At(i) == '\t' {
		i--
	}
	for m.At(j) == ' ' {
		j++
	}
	if m.At(i) == '"' && m.Depth(i) < m.Depth(s.start-1) { // in JSON
		return m.At(j) == '"' || m.At(j) == '\n'
	}
	if m.At(i) == ',' && s.quote != 0 && v.Quoted {
		return m.InPairs(i)
	}
	return m.At(i) == '(' || strings.IndexByte("[{:\n\x00", m.At(i)) >= 0 && strings.IndexByte("]}\"\n\x00>", m.At(j)) >= 0
}

// isMember reports whether s and v are a member of an object or a map, or a line of YAML.
func (m *Masker) isMember(s *subject, v *page.Value) bool {
	line := m.LineBefore(s.start, page.MaxLook)
	if i := strings.LastIndexAny(line, "{}[]()"); i >= 0 {
		rest := strings.TrimSpace(line[i+1:])
		return strings.IndexByte("{[(", line[i]) >= 0 && (rest == "" || rest[len(rest)-1] == ',')
	}
	if strings.TrimSpace(line) != "" || !m.Alone(v) {
		return false
	}
	name, value, _ := strings.Cut(m.LineBefore(max(0, s.start-len(line)-1), page.MaxLook), ": ") // the line before
	pair := value != "" && strings.Trim(name, "-_ "+view.Alphabet) == "" && strings.Count(name, " ") < 2
	return pair || strings.HasPrefix(line, "  ")
}

var setters = words.Set("setter")

// isLogin reports whether s is a part of a login: a user name comes before it.
func (m *Masker) isLogin(s *subject, v *page.Value) bool {
	const longest = 64
	before := strings.TrimRight(strings.ToLower(m.Text[max(0, s.start-longest):s.start]), " \t\r\n") // perhaps the line before
	m.Cost += longest
	all := strings.Fields(before[strings.LastIndexByte(before, '\n')+1:])
	n := len(all)
	ends := m.Alone(v) || m.At(v.Next) == ';'
	switch {
	case n > 1 && (strings.Contains(all[n-2], "login") || strings.Contains(all[n-2], "user")):
		return all[n-1] != "or" && all[n-1] != "and" && all[n-1] != "index:"
	case n > 2 && all[n-2] == "put" && ends: // etcdctl put /db/password hunter2
		return m.At(s.start-1) == '/' && !words.IsProse(all[n-3])
	}
	return n > 0 && ends && setters[words.LastWord(all[n-1])]
}
