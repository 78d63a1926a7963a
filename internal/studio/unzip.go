// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

const (
	// maxRatio is how many times longer than its compressed form an answer may be, once it is longer than freeLength bytes. Lists of
	// tasks compress to a tenth; compression bombs to a thousandth.
	maxRatio   = 200
	freeLength = 1 << 20
)

var errTooCompressed = errors.New("the answer is more than 200 times as long as what was sent of it")

// unzipped is the body of a compressed answer. http.Transport could decompress it as well, but does not tell how much was sent: a few
// bytes of a server could cost much CPU, which all sources share.
type unzipped struct {
	io.Closer

	sent     *counted
	unzip    *gzip.Reader // nil before the first read
	received int64
}

// counted counts what is read.
type counted struct {
	io.Reader

	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// unzip decompresses an answer that is compressed with gzip, as the request permits.
func unzip(resp *http.Response) {
	if !strings.EqualFold(encodingOf(resp), "gzip") {
		return
	}
	resp.Header.Del("Content-Encoding")
	resp.Body = &unzipped{Closer: resp.Body, sent: &counted{Reader: resp.Body}}
}

func (u *unzipped) Read(p []byte) (int, error) {
	if u.unzip == nil {
		reader, err := gzip.NewReader(u.sent)
		if err != nil {
			return 0, err
		}
		u.unzip = reader
	}
	n, err := u.unzip.Read(p)
	u.received += int64(n)
	if u.received > freeLength && u.received/maxRatio > u.sent.n {
		return n, errTooCompressed
	}
	return n, err
}
