// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"crypto/sha1" //nolint:gosec // the real server's ETag is made with it; nothing secret is
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// Answer is an HTTP answer before it is sent. Content-Length follows from the body.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// header returns what the real server sends with every answer.
func header() http.Header {
	return http.Header{
		"X-Powered-By":                     {"Express"},
		"Vary":                             {"Authorization, Origin"},
		"Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Expose-Headers":    {"*"},
		"Connection":                       {"keep-alive"},
		"Keep-Alive":                       {"timeout=5"},
	}
}

func jsonAnswer(status int, body []byte) *Answer {
	a := &Answer{Status: status, Header: header(), Body: body}
	a.Header.Set("Content-Type", "application/json; charset=utf-8")
	a.Header.Set("ETag", etag(body))
	return a
}

func errorAnswer(status int, message string) *Answer {
	body, err := appendJSON(nil, map[string]any{"errors": []any{message}})
	if err != nil { // cannot be: it is a string
		body = []byte(`{"errors":[]}`)
	}
	return jsonAnswer(status, body)
}

// poisonAnswer is how the real server stumbles over a malformed row.
func poisonAnswer() *Answer {
	a := jsonAnswer(http.StatusInternalServerError,
		[]byte(`{"message":"Cannot read properties of undefined (reading 'transcode-file')"}`))
	a.Header.Set("Content-Language", "en")
	return a
}

// etag is Express's: the length in hexadecimal and a hash.
func etag(body []byte) string {
	sum := sha1.Sum(body) //nolint:gosec // see the import
	return fmt.Sprintf(`W/"%x-%s"`, len(body), base64.StdEncoding.EncodeToString(sum[:])[:27])
}

// revalidate turns the answer into a 304 if the client says that it has this very body.
func (a *Answer) revalidate(r *http.Request) {
	tag, asked := a.Header.Get("ETag"), r.Header.Get("If-None-Match")
	if tag == "" || asked == "" || a.Status != http.StatusOK || strings.Contains(r.Header.Get("Cache-Control"), "no-cache") {
		return
	}
	for known := range strings.SplitSeq(asked, ",") {
		known = strings.TrimSpace(known)
		if known == "*" || strings.TrimPrefix(known, "W/") == strings.TrimPrefix(tag, "W/") {
			a.Status, a.Body = http.StatusNotModified, nil
			a.Header.Del("Content-Type")
			return
		}
	}
}
