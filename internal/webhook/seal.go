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

// headerForwarded holds the seal of a request that one replica hands to another, which does not hand it on, and of its
// answer. A header that is no seal of a replica counts for nothing.
const headerForwarded = "Livepeer-Task-Operator-Forwarded"

// seal proves that a request comes from a replica as it is, and its answer from the replica that was asked.
type seal struct {
	key  []byte // what only these two know
	from string
	at   time.Time
	body string // the body's hash, in hex
	mac  string // over all of that, and what the request asks for
}

// newSeal seals a request with this body to the replica that shares key with this one.
func newSeal(key []byte, from string, at time.Time, path string, signatures []string, body []byte) *seal {
	s := &seal{key: key, from: from, at: at, body: hashOf(body)}
	s.mac = s.sum(path, signatures)
	return s
}

// sealOf reads the seal of a request. ok is false where it has none, or not one of another replica's for this request, lately.
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

// header is the seal as it is sent.
func (s *seal) header() string {
	return fmt.Sprintf("%s %d %s %s", s.from, s.at.UnixMilli(), s.body, s.mac)
}

// covers reports whether the seal is for a request with this body.
func (s *seal) covers(body []byte) bool { return s.body == hashOf(body) }

// answer is the seal of an answer with this status.
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

// begin keeps requests and answers apart, so that one is never good for the other.
func (s *seal) begin(what string) hash.Hash {
	sum := hmac.New(sha256.New, s.key)
	_, _ = fmt.Fprintf(sum, "%s ", what)
	return sum
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
