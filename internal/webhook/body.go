// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"io"
	"net/netip"
	"sync"

	"github.com/livepeer/livepeer-task-operator/internal/connections"
)

const (
	// firstBody is the first buffer of a body; most need no more. It is not counted in maxBodies, so that large bodies of
	// others can't keep a connection from it.
	firstBody = 8 << 10
	// maxBodies bounds, in bytes, all larger bodies in memory at once. A body counts by what was sent, not by what was
	// announced: slow senders hold little.
	maxBodies = 12 << 20
)

var (
	errTooLarge = errors.New("the body is too large")
	errNoRoom   = errors.New("too many bodies at once")
)

// bodies reads bodies within a shared bound. Where there is no room for another one, the sender who has most of it makes room: a few
// connections that send half a megabyte and then nothing would keep everybody's larger bodies out.
type bodies struct {
	mu       sync.Mutex
	room     int // in bytes, that nobody holds
	arriving map[*arriving]struct{}
}

// arriving is a body of which the end has not come yet.
type arriving struct {
	sender netip.Prefix
	conn   *connections.Connection // may be nil
	held   int                     // bytes of the room
	ended  bool                    // to make room
}

func newBodies() *bodies { return &bodies{room: maxBodies, arriving: map[*arriving]struct{}{}} }

// read reads a body to its end. free has to be called once it is not needed any more, also after an error. The connection, if there is one,
// is closed if the sender has to make room for another.
func (b *bodies) read(from io.Reader, sender netip.Prefix, conn *connections.Connection) (body []byte, free func(), err error) {
	a := &arriving{sender: sender, conn: conn}
	defer b.arrived(a)
	free = func() { b.free(a) }
	for size := firstBody; ; size = min(4*size, maxBody+1) {
		if size > firstBody && !b.grow(a, size) { // while it grows, both the old and the new buffer are in memory
			return nil, free, errNoRoom
		}
		grown := make([]byte, size)
		read := copy(grown, body)
		for read < size {
			n, err := from.Read(grown[read:])
			read += n
			if errors.Is(err, io.EOF) && read <= maxBody {
				return grown[:read], free, nil
			}
			if err != nil && read <= maxBody {
				return nil, free, err
			}
		}
		if body = grown; read > maxBody {
			return nil, free, errTooLarge
		}
	}
}

// grow takes room for a body. It reports false if there is none, or if this body has to make room itself.
func (b *bodies) grow(a *arriving, size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.room < size && !a.ended {
		victim := b.ofWhoHasMost(a.sender, size)
		if victim == nil {
			return false
		}
		b.leave(victim)
		victim.ended = true
		_ = victim.conn.Close() // then the reading ends with an error
	}
	if a.ended {
		return false
	}
	b.room -= size
	a.held += size
	b.arriving[a] = struct{}{}
	return true
}

// ofWhoHasMost picks the largest body of the sender who holds most, if that is more than this sender will hold with so many bytes more. The
// caller holds the lock.
func (b *bodies) ofWhoHasMost(than netip.Prefix, more int) (victim *arriving) {
	held := map[netip.Prefix]int{than: more}
	for a := range b.arriving {
		held[a.sender] += a.held
	}
	most := held[than]
	for a := range b.arriving {
		if of := held[a.sender]; a.conn != nil && a.sender != than &&
			(of > most || of == most && victim != nil && a.held > victim.held) {
			victim, most = a, of
		}
	}
	return victim
}

// arrived notes that a body is complete, or is given up: it does not make room for others any more.
func (b *bodies) arrived(a *arriving) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.arriving, a)
}

// free gives back the room of a body.
func (b *bodies) free(a *arriving) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leave(a)
}

// leave gives back the room of a body. The caller holds the lock.
func (b *bodies) leave(a *arriving) {
	delete(b.arriving, a)
	b.room += a.held
	a.held = 0
}
