// SPDX-License-Identifier: Apache-2.0

package livepeer

import (
	"bytes"
	"errors"
	"io"
)

const (
	// maxTask bounds the JSON of one task, in bytes.
	maxTask = 32 << 20
	// maxList bounds one answer, in bytes.
	maxList = 4 << 30
	// maxErrorBody bounds what is read of an answer that is an error, in bytes.
	maxErrorBody = 64 << 10
	// maxHead is how much of an answer is kept to describe it when it turns out to be no JSON. It is more than is
	// quoted, so that a credential is masked before the quotation is cut.
	maxHead = 4 << 10
	// maxRead bounds one read, so that a decoder which reads ahead can't spend the allowance of a task on its successors.
	maxRead = 32 << 10
	// maxBlank bounds white space in one piece, in bytes: the decoder's effort grows with its square.
	maxBlank = 1 << 20
)

var (
	errTaskTooLarge = errors.New("a task is larger than 32 MiB")
	errListTooLarge = errors.New("the answer is larger than 4 GiB")
	errBlank        = errors.New("the answer is blank for more than 1 MiB")
)

// body reads an answer within bounds and remembers what an error message needs.
type body struct {
	r     io.Reader
	max   int64 // how many bytes a task may take
	task  int64 // how many more bytes the present task may take
	total int64 // how many more bytes the answer may take
	blank int   // how many bytes of white space came last, in whole reads
	head  []byte
	// broken is the error of the connection: with it, the answer is not malformed but incomplete.
	broken error
}

func newBody(r io.Reader) *body {
	b := &body{r: r, max: maxTask, total: maxList}
	b.nextTask()
	return b
}

// nextTask renews the allowance for one task.
func (b *body) nextTask() { b.task = b.max + maxRead }

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.broken != nil {
		return 0, b.broken
	}
	if b.task <= 0 {
		return 0, errTaskTooLarge
	}
	if b.total <= 0 {
		return 0, errListTooLarge
	}
	if b.blank > maxBlank {
		return 0, errBlank
	}
	n, err := b.r.Read(p[:min(len(p), maxRead)])
	if len(bytes.TrimLeft(p[:n], " \t\r\n")) == 0 {
		b.blank += n
	} else {
		b.blank = 0
	}
	b.task -= int64(n)
	b.total -= int64(n)
	if room := maxHead - len(b.head); room > 0 {
		b.head = append(b.head, p[:min(n, room)]...)
	}
	if err != nil && err != io.EOF {
		b.broken = err
	}
	return n, err
}
