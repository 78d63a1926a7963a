// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"bytes"
	"io"
	"net/http"
)

// Redirect sends every request to this address, as a proxy does whose users have to log in, or an API that has moved.
func Redirect(to string) Fault {
	return Replace(http.StatusFound, "text/plain", "", "Location", to)
}

// Large answers a list of that many elements without keeping more than one of them. element makes one of its number and
// of padding of that size.
func Large(elements, size int, element func(n int, padding []byte) []byte) Fault {
	padding := bytes.Repeat([]byte("x"), size)
	return Fault{Stream: func(w io.Writer) {
		separator := "["
		for n := range elements {
			if _, err := io.WriteString(w, separator); err != nil {
				return // the client left
			}
			if _, err := w.Write(element(n, padding)); err != nil {
				return
			}
			separator = ","
		}
		_, _ = io.WriteString(w, "]")
	}}
}
