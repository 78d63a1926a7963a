// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"bytes"
	"errors"
	"io"
)

const (
	// maxList bounds one answer, in bytes.
	maxList = 4 << 30
	// maxErrorBody bounds what is read of an answer that is an error, in bytes.
	maxErrorBody = 64 << 10
	// maxHead is how much of an answer is kept to describe it when it turns out to be no JSON. It is more than is
	// quoted, so that a credential is masked before the quotation is cut.
	maxHead = 4 << 10
	// maxRead bounds one read, in bytes.
	maxRead = 32 << 10
)

var errListTooLarge = errors.New("the answer is larger than 4 GiB")

// body reads an answer within bounds and remembers what an error message needs.
type body struct {
	r     io.Reader
	total int64 // how many more bytes the answer may take
	head  []byte
	begun bool
	// broken is the error of the connection: if set, the answer is not malformed but incomplete.
	broken error
	// ended returns why the answer was given up, nil if it was not; it may be nil itself.
	ended func() error
}

func newBody(r io.Reader) *body {
	return &body{r: r, total: maxList}
}

// byteOrderMark is no part of JSON, though some put it in front.
const byteOrderMark = "\uFEFF"

// read reads on, and skips a byte order mark at the beginning.
func (b *body) read(p []byte) (int, error) {
	if b.begun || len(p) < len(byteOrderMark) {
		return b.r.Read(p)
	}
	b.begun = true
	n, err := io.ReadAtLeast(b.r, p, len(byteOrderMark))
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	if bytes.HasPrefix(p[:n], []byte(byteOrderMark)) {
		n = copy(p, p[len(byteOrderMark):n])
	}
	return n, err
}

func (b *body) Read(p []byte) (int, error) {
	if b.broken != nil {
		return 0, b.broken
	}
	if b.total <= 0 {
		return 0, errListTooLarge
	}
	p = p[:min(len(p), maxRead)]
	n, err := b.read(p)
	b.total -= int64(n)
	if room := maxHead - len(b.head); room > 0 {
		b.head = append(b.head, p[:min(n, room)]...)
	}
	switch {
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, errTooCompressed):
	case b.ended != nil && errors.Is(b.ended(), errLarge):
		err = errLarge
	default:
		b.broken = err
	}
	return n, err
}
