// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// published masks the name of a stream that looks like a key, as nginx-rtmp logs it: publish: name='a1B2c3D4', PUBLISH "live" "a1B2c3D4".
// It returns where to go on, 0 if there is none.
func (m *Masker) published(s word) int {
	switch rest := m.Text[s.end:]; {
	case strings.HasPrefix(rest, ": name='"):
		return m.streamKey(s.end + len(": name="))
	case strings.HasPrefix(rest, ` "`) && strings.ToUpper(s.text) == s.text:
		return m.streamKey(m.Blanks(m.single(s.end+1, page.Value{}).Next))
	}
	return 0
}

// quotedStream masks such a name in single quotes, as servers name a stream that is in use: Stream 'a1B2c3D4' already exists
func (m *Masker) quotedStream(s word) int {
	if !strings.HasPrefix(m.Text[s.end:], " '") {
		return 0
	}
	return m.streamKey(s.end + 1)
}

// port masks what stands in a URL where a port is expected, and in the error again: parse "https://bob:hunter2/x@h.example": invalid port
// ":hunter2" after host.
func (m *Masker) port(s word) int {
	rest := m.Text[s.end:]
	for _, lead := range []string{` ":`, ` could not be cast to integer value as '`, ` number: "`, ` number: '`} {
		if strings.HasPrefix(rest, lead) {
			i := s.end + strings.IndexAny(lead, `"'`)
			v := m.single(i, page.Value{})
			text := strings.TrimLeft(m.Text[v.Start:v.End], ":")
			if l := words.LookAt(text); l.Letters() > 0 && len(text) > len("port") && !words.IsNothing(text) {
				m.Keys++
				m.Hide(v.End-len(text), v.End)
				return v.Next
			}
		}
	}
	return 0
}

// streamKey masks what is in the quotes at i if it looks like the key of a stream.
func (m *Masker) streamKey(i int) int {
	if !view.IsQuote(m.At(i)) {
		return 0
	}
	return m.hideKey(m.single(i, page.Value{}))
}

func (m *Masker) hideKey(v page.Value) int {
	m.Keys++
	text := m.Text[v.Start:v.End]
	if !words.Opaque(text) || words.IsID(text[strings.LastIndexByte(text, '+')+1:]) { // video+eaw4nk06ts2d0mzb is Studio's
		return 0
	}
	m.Hide(v.Start, v.End)
	return v.Next
}

var streamNames = words.Set("stream name")

// streamed masks such a name behind the application s, as servers and clients of RTMP print both: app: 'live', name: 'a1B2c3D4',
// app = live, fname = a1B2c3D4, "app":"live","stream":"a1B2c3D4".
func (m *Masker) streamed(s word) int {
	const most = 4 // signs between the two
	i, name := s.end, ""
	for range 2 {
		if view.IsQuote(m.At(i)) {
			i++
		}
		if i = m.Blanks(i); m.At(i) != ':' && m.At(i) != '=' {
			return 0
		}
		if i = m.Blanks(i + 1); m.At(i) == '[' {
			i++
		}
		v, ok := m.Word(i, false)
		if view.IsQuote(m.At(i)) {
			v = m.single(i, v)
		}
		if !ok || name != "" {
			break
		}
		i = v.Next
		for i-v.Next < most && i < len(m.Text) && (view.IsQuote(m.Text[i]) || strings.IndexByte("], ", m.Text[i]) >= 0) {
			i++
		}
		end := m.NameEndAt(i)
		name = strings.ToLower(m.Text[i:end])
		isLive := strings.TrimRight(m.Text[v.Start:v.End], "0123456789") == "live"
		if !streamNames[name] || name == "name" && !isLive { // a name of anything
			return 0
		}
		i = end
	}
	if v, ok := m.Word(i, false); ok {
		return m.hideKey(v)
	}
	return 0
}

// streamPath masks the last part of the path s, as Node-Media-Server names a stream: streamPath=/live/a1B2c3D4
func (m *Masker) streamPath(s word) int {
	const most = 4 // parts
	if m.At(s.end) != '=' {
		return 0
	}
	i, end := s.end, m.NameEndAt(s.end+1)
	for n := 0; n < most && m.At(end) == '/'; n++ {
		i, end = end, m.NameEndAt(end+1)
	}
	return m.hideKey(page.Unquoted(i+1, end))
}

// behindFields returns what is behind n fields and their colons, of which the first begins behind i; 0 if there are none.
func (m *Masker) behindFields(i, n int) int {
	const longest = 64
	for range n {
		end := i + 1
		for end-i < longest && (m.At(end) == '/' || end < len(m.Text) && view.IsNameByte(m.Text[end])) {
			end++
		}
		if m.Cost += end - i; end == i+1 || m.At(end) != ':' {
			return 0
		}
		i = end
	}
	return i + 1
}

// seed masks the words of a wallet, a dozen or two, behind the name s of such: seed: legal winner thank year ...
func (m *Masker) seed(s word) int {
	const least, most, aside = 12, 24, 4
	start := s.end + strings.IndexAny(m.Text[s.end:min(len(m.Text), s.end+page.MaxScheme)], ":=\"'\n")
	ofWords := strings.HasPrefix(m.Text[s.end:], " words") || strings.HasPrefix(m.Text[s.end:], " phrase")
	if start < s.end || strings.EqualFold(s.text, "recovery") && !ofWords {
		return 0
	}
	n, said, first, end := 0, 0, 0, start
	for i := start; n < most; {
		from := i
		for from < len(m.Text) && from-i < aside && (view.IsSpace(m.Text[from]) || strings.IndexByte(":=\"',[", m.Text[from]) >= 0) {
			from++
		}
		i = from
		for i < len(m.Text) && m.Text[i] >= 'a' && m.Text[i] <= 'z' {
			i++
		}
		if i-from < len("act") || i-from > len("abstract") || view.IsNameByte(m.At(i)) {
			break
		}
		if n++; n == 1 {
			first = from
		}
		if words.IsProse(m.Text[from:i]) {
			said++
		}
		end = i
	}
	m.Cost += end - start
	if n < least || said*4 > n {
		return 0
	}
	m.Hide(first, end)
	return end
}
