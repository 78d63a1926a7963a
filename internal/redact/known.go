// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
)

const (
	// minSecretLen is the shortest known secret that is searched for, in bytes. Shorter ones would mask ordinary text.
	minSecretLen = 4
	// minEncodedLen is the shortest known secret that is searched for in base64 and in hexadecimal digits.
	minEncodedLen = 8
	// A part of a known secret, its beginning or its end, is searched for from this length on, if the whole is longer.
	partLen, minPartedLen = 16, 24
	// maxEncodings is how often a known secret may have been percent-encoded to be found still.
	maxEncodings = 3
)

// formsOf returns a secret as it may occur: as it is, in the other case, percent-encoded, in hexadecimal digits, and
// within something in base64.
func formsOf(secret string) []string {
	forms := []string{secret, strings.ToUpper(secret), strings.ToLower(secret), url.QueryEscape(secret), url.PathEscape(secret)}
	if len(secret) < minEncodedLen {
		return forms
	}
	if bare := strings.ReplaceAll(secret, "-", ""); len(bare) >= partLen {
		forms = append(forms, bare, strings.ToUpper(bare))
	}
	digits := hex.EncodeToString([]byte(secret))
	forms = append(forms, digits, strings.ToUpper(digits))
	for before := range 3 {
		padded := append(make([]byte, before), secret...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString(padded)
			// The characters at both ends depend on what stands around the secret.
			forms = append(forms, encoded[(before*8+5)/6:len(padded)*8/6])
		}
	}
	return forms
}

// knownSecrets masks the known secrets. Where one shows only after percent-decoding (in an unusual form, or encoded
// twice), the whole of s is masked.
func (r *Redactor) knownSecrets(s string) string {
	if r == nil || r.known == nil {
		return s
	}
	secrets, parted := r.known()
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, Mask)
	}
	for _, secret := range parted {
		s = maskPart(s, secret)
	}
	decoded := s
	for range maxEncodings {
		if strings.IndexByte(decoded, '%') < 0 {
			break
		}
		decoded = percentDecode(decoded)
		for _, secret := range secrets {
			if strings.Contains(decoded, secret) {
				return Mask
			}
		}
	}
	return s
}

// maskPart masks the beginning and the end of secret in s, as far as they reach: a message that was cut holds one.
func maskPart(s, secret string) string {
	if i := strings.Index(s, secret[:partLen]); i >= 0 {
		n := partLen
		for n < len(secret) && i+n < len(s) && s[i+n] == secret[n] {
			n++
		}
		s = s[:i] + Mask + maskPart(s[i+n:], secret)
	}
	if i := strings.Index(s, secret[len(secret)-partLen:]); i >= 0 {
		n := len(secret) - partLen
		for n > 0 && i > 0 && s[i-1] == secret[n-1] {
			n--
			i--
		}
		s = s[:i] + Mask + maskPart(s[i+len(secret)-n:], secret)
	}
	return s
}
