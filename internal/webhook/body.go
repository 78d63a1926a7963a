// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"io"

	"golang.org/x/sync/semaphore"
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

// bodies reads bodies within a shared bound.
type bodies struct {
	room *semaphore.Weighted
}

func newBodies() *bodies { return &bodies{room: semaphore.NewWeighted(maxBodies)} }

// read reads a body to its end. free has to be called once it is not needed any more, also after an error.
func (b *bodies) read(from io.Reader) (body []byte, free func(), err error) {
	held := 0
	free = func() { b.room.Release(int64(held)) }
	for size := firstBody; ; size = min(4*size, maxBody+1) {
		if size > firstBody {
			// While it grows, both the old and the new buffer are in memory.
			if !b.room.TryAcquire(int64(size)) {
				return nil, free, errNoRoom
			}
			held += size
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
