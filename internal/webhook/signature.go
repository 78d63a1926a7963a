// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	headerSignature = "Livepeer-Signature"
	// maxSignatures bounds how many signatures of one delivery are checked.
	maxSignatures = 8
)

// verified reports whether one of the signatures is that of the body with the secret. It ignores the time in the header,
// which is not signed. It takes the same time whatever the secret and the signatures are.
func verified(headers []string, body, secret []byte) bool {
	hash := hmac.New(sha256.New, secret)
	_, _ = hash.Write(body) // never fails
	expected := hash.Sum(nil)
	valid := false
	for _, signature := range signatures(headers) {
		valid = hmac.Equal(signature, expected) || valid
	}
	return valid
}

// signatures reads the signatures of version 1 from headers such as t=1700000000000,v1=5257a869..., in any order, and
// ignores the rest.
func signatures(headers []string) [][]byte {
	var found [][]byte
	for _, header := range headers {
		for field := range strings.SplitSeq(header, ",") {
			version, value, ok := strings.Cut(field, "=")
			if !ok || strings.TrimSpace(version) != "v1" {
				continue
			}
			value = strings.TrimSpace(value)
			if len(value) != hex.EncodedLen(sha256.Size) {
				continue
			}
			signature, err := hex.DecodeString(value)
			if err != nil {
				continue
			}
			if found = append(found, signature); len(found) == maxSignatures {
				return found
			}
		}
	}
	return found
}
