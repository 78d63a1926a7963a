// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"encoding/json"
)

// scanner goes once over JSON that a JSON library has written: an answer of the API server, or what is about to be sent to
// it. It allocates nothing, and needs a tenth of the time of decoding. Text that is not JSON makes it bad, where it is
// not simply taken for something else.
type scanner struct {
	data []byte
	at   int
	bad  bool
}

// peek returns the next byte that is no white space, and 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.data); s.at++ {
		if c := s.data[s.at]; c > ' ' {
			return c
		}
	}
	return 0
}

// take consumes the next byte if it is c.
func (s *scanner) take(c byte) bool {
	if s.bad || s.peek() != c {
		return false
	}
	s.at++
	return true
}

// expect consumes c, without which the text is bad.
func (s *scanner) expect(c byte) bool {
	s.bad = !s.take(c)
	return !s.bad
}

// object consumes an object. member has to consume the value of each of its keys, which are valid until it returns.
func (s *scanner) object(member func(key []byte)) {
	if !s.expect('{') || s.take('}') {
		return
	}
	for {
		key := s.text()
		if !s.expect(':') {
			return
		}
		member(key)
		if !s.take(',') {
			s.expect('}')
			return
		}
	}
}

// array consumes an array. element has to consume each of its elements.
func (s *scanner) array(element func()) {
	if !s.expect('[') || s.take(']') {
		return
	}
	for {
		element()
		if !s.take(',') {
			s.expect(']')
			return
		}
	}
}

// text consumes a string and returns what it says.
func (s *scanner) text() []byte {
	if !s.expect('"') {
		return nil
	}
	start := s.at
	plain := s.endText()
	if s.bad {
		return nil
	}
	if plain {
		return s.data[start : s.at-1]
	}
	var text string
	s.bad = json.Unmarshal(s.data[start-1:s.at], &text) != nil
	return []byte(text)
}

// endText consumes a string behind its opening quote, and reports whether it has no escape sequence.
func (s *scanner) endText() (plain bool) {
	plain = true
	for {
		rest := s.data[s.at:]
		quote := bytes.IndexByte(rest, '"')
		if quote < 0 {
			s.bad = true
			return false
		}
		escape := bytes.IndexByte(rest[:quote], '\\')
		if escape < 0 {
			s.at += quote + 1
			return plain
		}
		plain = false
		s.at += escape + 2 // which may be behind the quote
	}
}

// literal consumes a number, true, false or null.
func (s *scanner) literal() []byte {
	s.peek()
	start := s.at
	for ; s.at < len(s.data); s.at++ {
		if c := s.data[s.at]; c <= ' ' || c == ',' || c == '}' || c == ']' {
			break
		}
	}
	s.bad = s.bad || s.at == start
	return s.data[start:s.at]
}

// raw consumes any value and returns it as it stands.
func (s *scanner) raw() []byte {
	c := s.peek()
	start := s.at
	switch {
	case s.bad:
		return nil
	case c == '"':
		s.at++
		s.endText()
	case c != '{' && c != '[':
		return s.literal()
	default:
		s.endContainer()
	}
	return s.data[start:s.at]
}

// endContainer consumes an array or object, and whatever is in it.
func (s *scanner) endContainer() {
	depth := 0
	for s.at < len(s.data) && !s.bad {
		c := s.data[s.at]
		s.at++
		switch c {
		case '"':
			s.endText()
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return
			}
		}
	}
	s.bad = true
}
