// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// stems make a key credential-like wherever they occur in it, whatever separates their parts (apiKey, x-api-key, API_KEY).
var stems = []string{
	"password", "passwd", "passphrase", "secret", "apikey", "accesskey", "privatekey", "encryptionkey", "encryptedkey",
	"signingkey", "sharedkey", "accountkey", "sessionkey", "credential", "authorization", "signature", "jwt", "sessionid",
	"streamkey", "masterkey", "decryptionkey", "authkey", "enckey", "licensekey", "servicekey", "serverkey", "clientkey",
	"privkey", "passcode", "mnemonic", "seedphrase", "connectionstring",
}

// words make a key credential-like where they are a word of their own in it: author is not auth.
var words = map[string]bool{
	"auth": true, "oauth": true, "token": true, "tokens": true, "sig": true, "session": true, "pwd": true,
	"cookie": true, "cookies": true, "bearer": true, "pass": true, "pw": true, "psk": true,
	"otp": true, "totp": true, "hmac": true, "cvv": true,
}

// tokenFacts follow "token" where an NFT is meant.
var tokenFacts = map[string]bool{
	"id": true, "ids": true, "uri": true, "url": true, "standard": true, "type": true, "name": true, "symbol": true,
	"address": true, "count": true, "amount": true, "supply": true, "decimals": true,
}

// weak are keys that are ordinary words too: "Session: closed" is prose.
var weak = map[string]bool{
	"token": true, "tokens": true, "secret": true, "secrets": true, "session": true, "auth": true, "signature": true,
	"credential": true, "credentials": true, "bearer": true, "pass": true,
}

// credentialKey reports whether the value of a key with this name is likely to be a credential.
func credentialKey(key string) bool {
	if len(key) < 2 {
		return false
	}
	joined := strings.Map(func(r rune) rune {
		switch {
		case r == '-', r == '_', r == '.', r == ' ':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, key)
	for _, stem := range stems {
		if strings.Contains(joined, stem) {
			return true
		}
	}
	parts := splitWords(key)
	if len(parts) == 2 && parts[0] == "token" && tokenFacts[parts[1]] {
		return false
	}
	for _, part := range parts {
		if words[part] || strings.HasSuffix(part, "token") {
			return true
		}
	}
	return false
}

// openKeys are the first words of keys that are no credentials.
var openKeys = map[string]bool{
	"public": true, "object": true, "primary": true, "foreign": true, "sort": true, "partition": true, "cache": true, "s3": true,
}

// keyLike reports whether a key with this name may be a credential or something else: a stream key, or a key on a
// keyboard. Its value tells.
func keyLike(key string) bool {
	if len(key) < 3 || !strings.EqualFold(key[len(key)-3:], "key") {
		return false
	}
	parts := splitWords(key)
	return parts[len(parts)-1] == "key" && !openKeys[parts[0]]
}

// credentialValue reports whether value, which has a name that is keyLike, is a credential and no path, word or number.
func credentialValue(value string) bool {
	return tokenLike(value) && !strings.ContainsAny(value, "./: ")
}

// splitWords returns the words of camelCase, snake_case or kebab-case in lower case.
func splitWords(key string) []string {
	var parts []string
	start := 0
	flush := func(end int) {
		if end > start {
			parts = append(parts, strings.ToLower(key[start:end]))
		}
	}
	for i := range len(key) {
		switch c := key[i]; {
		case !isAlnum(c):
			flush(i)
			start = i + 1
		case isUpper(c) && i > start && (!isUpper(key[i-1]) || i+1 < len(key) && isLetter(key[i+1]) && !isUpper(key[i+1])):
			flush(i)
			start = i
		}
	}
	flush(len(key))
	return parts
}

func isUpper(c byte) bool {
	return c >= 'A' && c <= 'Z'
}
