// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"
)

// TestTokens: of the credentials that gitleaks knows by their form, at least 95 % are found in a text and in JSON, and of
// those that it knows by a name beside them as many with that name.
func TestTokens(t *testing.T) {
	r := &Redactor{}
	tried, missed := map[bool]int{}, map[bool]int{}
	for _, line := range lines(t, "testdata/tokens.tsv") {
		cells := strings.Split(strings.ReplaceAll(line, "·", ""), "\t")
		rule, kind, text, secret := cells[0], cells[1], cells[2], cells[3]
		texts := []string{"upload failed: " + text + " (403)", text, `{"message":"` + text + `"}`, `{"value":"` + text + `","n":1}`}
		if kind != "form" {
			texts = []string{kind + `_api_token = "` + text + `"`, kind + "ApiKey: " + text, `{"` + kind + `Token":"` + text + `"}`, kind + "_SECRET=" + text}
		}
		for _, in := range texts {
			tried[kind == "form"]++
			if got, _ := r.Text(in); strings.Contains(got, secret[len(secret)-min(len(secret), 12):]) {
				missed[kind == "form"]++
				t.Logf("%s: %.150q becomes %.150q", rule, in, got)
			}
		}
	}
	for form, n := range tried {
		t.Logf("form %v: %d of %d missed", form, missed[form], n)
		if missed[form]*20 > n {
			t.Errorf("more than 5 %% missed")
		}
	}
}
