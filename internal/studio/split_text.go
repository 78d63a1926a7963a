// SPDX-License-Identifier: Apache-2.0

package studio

// text consumes a string behind its opening quote. Control characters, which JSON does not allow there, become spaces.
func (s *splitter) text() error {
	s.keep('"')
	room := maxString
	for {
		if err := s.fill(); err != nil {
			return cutOff(err)
		}
		n := plain(s.chunk)
		kept := min(n, max(room, 0))
		s.keep(s.chunk[:kept]...)
		room -= n
		if s.chunk = s.chunk[n:]; len(s.chunk) == 0 {
			continue
		}
		c := s.chunk[0]
		s.chunk = s.chunk[1:]
		switch {
		case c == '"':
			s.keep('"')
			return nil
		case c != '\\':
			s.keep(' ')
			room--
			continue
		}
		if err := s.fill(); err != nil {
			return cutOff(err)
		}
		// An escape sequence is kept whole, or not at all.
		if room -= 2; room+2 < maxEscape {
			room = 0
		} else {
			s.keep('\\', s.chunk[0])
		}
		s.chunk = s.chunk[1:]
	}
}

// plain counts the bytes at the beginning that can be copied as they are.
func plain(b []byte) int {
	for i, c := range b {
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(b)
}
