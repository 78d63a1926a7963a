// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"io"

	"golang.org/x/sync/semaphore"
)

const (
	// firstBody is what is set aside for a body to begin with; most need no more. It is there for each connection, so that
	// large bodies of others can't keep it from one.
	firstBody = 8 << 10
	// maxBodies bounds, in bytes, all larger bodies in memory at once. It grows with what was sent, not with what is
	// announced: slow senders hold little of it.
	maxBodies = 12 << 20
)

var (
	errTooLarge = errors.New("the body is too large")
	errNoRoom   = errors.New("too many bodies at once")
)

// bodies reads bodies within a common bound.
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
			// While it grows, the old part and the new one are there.
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
