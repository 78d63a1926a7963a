// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// headerForwarded holds the seal of a forwarded request, which is not forwarded again, and that of its answer. A header that
// is no replica's seal is ignored.
const headerForwarded = "Livepeer-Task-Operator-Forwarded"

// seal proves that a request comes unchanged from a replica, and its answer from the replica that it was sent to.
type seal struct {
	key  []byte // that only these two replicas know
	from string
	at   time.Time
	body string // the body's hash, in hex
	mac  string // over all of that, and path and signatures of the request
}

// newSeal seals a request with this body for the replica that shares key with this one.
func newSeal(key []byte, from string, at time.Time, path string, signatures []string, body []byte) *seal {
	s := &seal{key: key, from: from, at: at, body: hashOf(body)}
	s.mac = s.sum(path, signatures)
	return s
}

// sealOf reads the seal of a request. ok is false if it has none, or none that another replica made for this request, lately.
func sealOf(r *http.Request, election Election, now time.Time) (s *seal, ok bool) {
	fields := strings.Fields(r.Header.Get(headerForwarded))
	if election == nil || len(fields) != 4 {
		return nil, false
	}
	millis, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return nil, false
	}
	s = &seal{from: fields[0], at: time.UnixMilli(millis), body: fields[2], mac: fields[3]}
	if s.key, ok = election.Key(s.from); !ok || now.Sub(s.at).Abs() > freshness {
		return nil, false
	}
	if !hmac.Equal([]byte(s.mac), []byte(s.sum(r.URL.EscapedPath(), r.Header.Values(headerSignature)))) {
		return nil, false
	}
	return s, true
}

// header returns the seal as the value of the header.
func (s *seal) header() string {
	return fmt.Sprintf("%s %d %s %s", s.from, s.at.UnixMilli(), s.body, s.mac)
}

// covers reports whether the seal is for a request with this body.
func (s *seal) covers(body []byte) bool { return s.body == hashOf(body) }

// answer returns the seal of an answer with this status.
func (s *seal) answer(status int) string {
	sum := s.begin("answer")
	_, _ = fmt.Fprintf(sum, "%d %s", status, s.mac)
	return hex.EncodeToString(sum.Sum(nil))
}

func (s *seal) sum(path string, signatures []string) string {
	sum := s.begin("request")
	_, _ = fmt.Fprintf(sum, "%q %d %s %q %q", s.from, s.at.UnixMilli(), s.body, path, signatures)
	return hex.EncodeToString(sum.Sum(nil))
}

// begin begins a MAC. what separates requests from answers, so that the seal of one is never valid for the other.
func (s *seal) begin(what string) hash.Hash {
	sum := hmac.New(sha256.New, s.key)
	_, _ = fmt.Fprintf(sum, "%s ", what)
	return sum
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
