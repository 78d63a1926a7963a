// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// What terminals obey: the second page, which leaves what was there before as it was; the cursor; and clearing.
const (
	openPage   = "\x1b[?1049h\x1b[?25l"
	closePage  = "\x1b[?25h\x1b[?1049l"
	toTop      = "\x1b[H"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
)

// screen is a terminal that is drawn in place.
type screen struct {
	out  io.Writer
	last []string // what is shown

	mu     sync.Mutex
	broken string    // why the watch broke; "" while it goes on
	told   time.Time // when that was last noted
}

// triedWithin is how long after a watch broke it has broken again if it does: client-go waits for a minute at most. One that goes on says
// nothing before something changes.
const triedWithin = 90 * time.Second

func (s *screen) open() { fmt.Fprint(s.out, openPage) }

// close leaves the last that was shown behind.
func (s *screen) close() {
	fmt.Fprint(s.out, closePage)
	for _, line := range s.last {
		fmt.Fprintln(s.out, line)
	}
}

// note has what is drawn say that the watch broke, until it goes on.
func (s *screen) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken, s.told = "The watch broke, and is tried again: "+term.Clean(err.Error()), time.Now()
}

func (s *screen) goesOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = ""
}

func (s *screen) draw(frame func(width, height int) []string) {
	s.mu.Lock()
	if time.Since(s.told) > triedWithin {
		s.broken = ""
	}
	broken := s.broken
	s.mu.Unlock()
	width, height := term.Size(s.out)
	if width == 0 || height == 0 { // a terminal that does not tell
		width, height = 80, 24
	}
	if broken != "" {
		height--
	}
	lines := frame(width, height)
	s.last = slices.Clone(lines)
	if broken != "" {
		lines = append(lines, term.Cut(broken, width))
	}
	text := toTop + strings.Join(lines, clearLine+"\r\n") + clearLine + clearBelow
	fmt.Fprint(s.out, text)
}
