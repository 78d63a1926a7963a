// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
)

// Bounds of what is kept of an answer. The mirror keeps less of every field: whatever is cut here would be left out
// there anyway, and is named in omittedFields.
const (
	// maxString bounds a string, in bytes of JSON: what follows is dropped.
	maxString = 128 << 10
	// maxTask bounds a task.
	maxTask = 4 << 20
	// largeTask is how much of a task is kept without asking for room.
	largeTask = 128 << 10
	// maxNesting bounds how deep arrays and objects are kept.
	maxNesting = 512
	// maxEscape is the length of the longest escape sequence in a string.
	maxEscape = len(`\u0000`)
	// firstRead is enough for the answer to most polls, an empty list. After it, maxRead is used.
	firstRead = 512
)

// dropped takes the place of an array or object that is too large or too deep. No field can use such a number, so
// the field is left out for its unexpected type.
const dropped = "1e999"

// maxContainer bounds an array or object at this depth, in bytes of JSON; the task itself is at depth 1. Deeper ones
// have lower bounds, and so are dropped first: as much as possible of the rest is kept.
func maxContainer(depth int) int {
	switch depth {
	case 1:
		return maxTask
	case 2:
		return 1 << 20
	case 3:
		return 512 << 10
	default:
		return 256 << 10
	}
}

var (
	errNotList  = errors.New("the answer is not a JSON array")
	errTrailing = errors.New("the answer goes on after its JSON")
	errSyntax   = errors.New("the answer is not JSON")
	errLarge    = errors.New("no room for a large task")
)

// splitter cuts JSON into values of a bounded size. It looks only at what it needs for that: brackets, strings, and
// separators. It does not check that a value is valid JSON, so that an invalid one does not cost those after it.
type splitter struct {
	r     io.Reader
	chunk []byte // read, and not consumed
	// room is the buffer for reads, and filled how much of it the last read filled.
	room   []byte
	filled int

	out []byte
	// open are the arrays and objects around the present position.
	open []container
	// skipped counts the open levels within what is being dropped, 0 if nothing is.
	skipped int

	// large is called before a value takes more than bound; release or refused is what it has returned.
	large   func() (release func(), err error)
	bound   int
	release func()
	refused error
}

func newSplitter(r io.Reader) *splitter {
	return &splitter{r: r, bound: largeTask, large: func() (func(), error) { return func() {}, nil }}
}

// container is an array or object that is not complete.
type container struct {
	closer byte
	start  int // of it in out
}

// list reads an array and gives visit one element at a time, in one reused buffer. It ends early, without an error, when
// visit returns false; whole is true once the answer was read to its end.
func (s *splitter) list(visit func(raw []byte) bool) (whole bool, err error) {
	defer s.begin()
	c, err := s.next()
	switch {
	case err != nil:
		return false, err
	case c != '[':
		return false, errNotList
	}
	s.chunk = s.chunk[1:]
	if c, err = s.next(); err == nil && c == ']' {
		return s.end(1)
	}
	for {
		raw, err := s.value()
		if err != nil {
			return false, cutOff(err)
		}
		if !visit(raw) {
			return false, nil
		}
		switch c, err := s.next(); {
		case err != nil:
			return false, cutOff(err)
		case c == ']':
			return s.end(1)
		case c != ',':
			return false, errSyntax
		}
		s.chunk = s.chunk[1:]
	}
}

// end consumes n bytes, and expects nothing but white space behind them.
func (s *splitter) end(n int) (bool, error) {
	s.chunk = s.chunk[n:]
	switch _, err := s.next(); {
	case err == nil:
		return false, errTrailing
	case !errors.Is(err, io.EOF):
		return false, err
	}
	return true, nil
}

// cutOff returns the error for an answer that ends within its JSON.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// fill makes sure that chunk is not empty.
func (s *splitter) fill() error {
	for len(s.chunk) == 0 {
		if s.filled == len(s.room) && s.filled < maxRead { // at first, and once a read has filled it
			size := firstRead
			if s.filled > 0 {
				size = maxRead
			}
			s.room = make([]byte, size)
		}
		var err error
		s.filled, err = s.r.Read(s.room)
		if s.chunk = s.room[:s.filled]; s.filled == 0 && err != nil {
			return err
		}
	}
	return nil
}

// next returns the next byte that is no white space, without consuming it.
func (s *splitter) next() (byte, error) {
	for {
		if err := s.fill(); err != nil {
			return 0, err
		}
		if s.chunk = bytes.TrimLeft(s.chunk, " \t\r\n"); len(s.chunk) > 0 {
			return s.chunk[0], nil
		}
	}
}

// value reads one value. The result is valid until the next call.
func (s *splitter) value() ([]byte, error) {
	s.begin()
	if _, err := s.next(); err != nil {
		return nil, err
	}
	for {
		if err := s.fill(); err != nil {
			return nil, err
		}
		c := s.chunk[0]
		if len(s.open) == 0 && s.skipped == 0 && (c == ',' || c == ']' || isBlank(c)) {
			break
		}
		s.chunk = s.chunk[1:]
		if err := s.take(c); err != nil {
			return nil, err
		}
		if s.refused != nil {
			return nil, s.refused
		}
		if len(s.open) == 0 && s.skipped == 0 && (c == '}' || c == ']') {
			break
		}
	}
	if len(s.out) == 0 {
		return nil, errSyntax
	}
	return s.out, nil
}

// begin forgets the last value.
func (s *splitter) begin() {
	s.out, s.open, s.skipped = s.out[:0], s.open[:0], 0
	if s.release != nil {
		s.release()
		s.out, s.release, s.bound = nil, nil, largeTask
	}
}

// grow asks for room for a large value.
func (s *splitter) grow() {
	s.bound = math.MaxInt
	var err error
	if s.release, err = s.large(); err != nil {
		s.release, s.refused = nil, fmt.Errorf("%w: %w", errLarge, err)
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// take consumes one byte that begins or ends something, or is a part of a literal.
func (s *splitter) take(c byte) error {
	switch c {
	case '"':
		return s.text()
	case '{', '[':
		s.enter(c)
	case '}', ']':
		return s.leave(c)
	default:
		s.keep(c)
	}
	return nil
}

func (s *splitter) enter(c byte) {
	if s.skipped > 0 {
		s.skipped++
		return
	}
	if len(s.open) >= maxNesting {
		s.skipped = 1
		s.out = append(s.out, dropped...)
		return
	}
	s.open = append(s.open, container{closer: c + 2, start: len(s.out)}) // in ASCII, both closers are two further on
	s.keep(c)
}

func (s *splitter) leave(c byte) error {
	if s.skipped > 0 {
		s.skipped--
		return nil
	}
	top := len(s.open) - 1
	if top < 0 || s.open[top].closer != c {
		return errSyntax
	}
	s.keep(c)
	if s.skipped > 0 { // the closing bracket itself exceeded the bound
		s.skipped = 0
		return nil
	}
	s.open = s.open[:top]
	return nil
}

// keep adds to the value, and drops the array or object around it where that becomes too large.
func (s *splitter) keep(b ...byte) {
	if s.skipped > 0 {
		return
	}
	if len(s.out)+len(b) > s.bound {
		s.grow()
	}
	s.out = append(s.out, b...)
	top, start := len(s.open)-1, 0
	if top >= 0 {
		start = s.open[top].start
	}
	if len(s.out)-start <= maxContainer(max(1, len(s.open))) {
		return
	}
	s.out = append(s.out[:start], dropped...)
	if top >= 0 {
		s.open, s.skipped = s.open[:top], 1
	}
}
