// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"errors"
	"io"
	"slices"
)

var errSyntax = errors.New("not the JSON that was expected")

// readAhead is how much of a stream is read at once, at least.
const readAhead = 64 << 10

// Stream goes once over JSON that is too long to be in memory as a whole, value by value. Like Scanner, it expects valid JSON.
// Errors are the reader's, io.ErrUnexpectedEOF, or one for a missing token.
type Stream struct {
	r    io.Reader
	data []byte // read, and from at on not consumed
	at   int
	err  error // of the reader
}

// NewStream returns a stream at the beginning of what r reads.
func NewStream(r io.Reader) *Stream { return &Stream{r: r} }

// Object consumes an object. member has to consume the value of each of its keys.
func (s *Stream) Object(member func(key string) error) error {
	return s.each('{', '}', func() error {
		raw, err := s.Value()
		if err != nil {
			return err
		}
		key := string(New(raw).Text())
		if c, err := s.next(); c != ':' || err != nil {
			return errors.Join(err, errSyntax)
		}
		s.at++
		return member(key)
	})
}

// Array consumes an array. element has to consume each of its elements.
func (s *Stream) Array(element func() error) error { return s.each('[', ']', element) }

// each consumes what is between two brackets and separated by commas.
func (s *Stream) each(opening, closing byte, one func() error) error {
	c, err := s.next()
	if c != opening || err != nil {
		return errors.Join(err, errSyntax)
	}
	s.at++
	if c, err = s.next(); err == nil && c == closing {
		s.at++
		return nil
	}
	for {
		if err := one(); err != nil {
			return err
		}
		c, err := s.next()
		if err != nil {
			return err
		}
		s.at++
		switch c {
		case closing:
			return nil
		case ',':
		default:
			return errSyntax
		}
	}
}

// Null consumes null where it is what comes next, and reports whether it was.
func (s *Stream) Null() (bool, error) {
	if c, err := s.next(); c != 'n' || err != nil {
		return false, err
	}
	_, err := s.Value()
	return true, err
}

// Value consumes any value and returns it as it stands. It is valid until more is read.
func (s *Stream) Value() ([]byte, error) {
	if _, err := s.next(); err != nil {
		return nil, err
	}
	for {
		value := New(s.data[s.at:])
		raw := value.Raw()
		// What ends where the data end may go on.
		if end := s.at + len(raw); !value.Failed() && (end < len(s.data) || s.ended()) {
			s.at = end
			return raw, nil
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// ended reports whether nothing more can be read.
func (s *Stream) ended() bool { return s.err != nil }

// next returns the next byte that is no white space, without consuming it.
func (s *Stream) next() (byte, error) {
	for {
		for ; s.at < len(s.data); s.at++ {
			if c := s.data[s.at]; c > ' ' {
				return c, nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads on, at least as much as is there: a long value is looked at again each time.
func (s *Stream) fill() error {
	if s.err != nil {
		if errors.Is(s.err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return s.err
	}
	s.data = s.data[:copy(s.data, s.data[s.at:])]
	s.at = 0
	s.data = slices.Grow(s.data, max(readAhead, len(s.data)))
	n, err := s.r.Read(s.data[len(s.data):cap(s.data)])
	s.data, s.err = s.data[:len(s.data)+n], err
	return nil
}
