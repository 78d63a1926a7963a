// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// beginning is how the credentials of some service begin, and how long they are at least.
type beginning struct {
	prefix string
	length int
}

// minFormat is the shortest length in formats.
const minFormat = 16

// formats are credentials that are recognised wherever they occur, by their beginning. The last one is a private key in
// PEM, in base64 once more.
var formats = []beginning{
	{"AKIA", 16}, {"ASIA", 16}, {"AROA", 16}, {"AIDA", 16}, // AWS
	{"ghp_", 20}, {"gho_", 20}, {"ghu_", 20}, {"ghs_", 20}, {"ghr_", 20}, {"github_pat_", 24}, {"glpat-", 16},
	{"xoxb-", 16}, {"xoxp-", 16}, {"xoxa-", 16}, {"xoxs-", 16}, {"xapp-", 16},
	{"sk_live_", 16}, {"sk_test_", 16}, {"rk_live_", 16}, {"pk_live_", 16}, {"sk-", 24}, {"whsec_", 16},
	{"AIza", 30}, {"ya29.", 20}, {"SG.", 30}, {"npm_", 24}, {"hf_", 20}, {"dop_v1_", 20}, {"shpat_", 20},
	{"LS0tLS1CRUdJTi", 24},
}

// maskFormats masks the credentials in s that look like those of a known service.
func maskFormats(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i+minFormat <= len(s); i++ {
		if i > 0 && isAlnum(s[i-1]) {
			continue
		}
		if n := formatAt(s[i:]); n > 0 {
			b.WriteString(s[done:i])
			b.WriteString(Mask)
			i += n
			done = i
		}
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// formatAt returns the length of the credential that s begins with, 0 if it is none.
func formatAt(s string) int {
	if strings.IndexByte("AgxsrpwySnhdL", s[0]) < 0 { // what the prefixes begin with
		return 0
	}
	for _, f := range formats {
		if !strings.HasPrefix(s, f.prefix) {
			continue
		}
		end := len(f.prefix)
		for end < len(s) && (isAlnum(s[end]) || strings.IndexByte("_-.+/=", s[end]) >= 0) {
			end++
		}
		end = len(strings.TrimRight(s[:end], trailing))
		if end >= f.length && strings.ContainsAny(s[len(f.prefix):end], "0123456789") {
			return end
		}
	}
	return 0
}
