// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"
)

// leakedTokens counts, of the credentials that gitleaks knows, those that are not found: by their form in a text and in JSON, or
// by a name beside them.
func leakedTokens(t *testing.T) (form, named count) {
	r := &Redactor{}
	for _, line := range lines(t, "testdata/tokens.tsv") {
		cells := strings.Split(strings.ReplaceAll(line, "·", ""), "\t")
		rule, kind, text, secret := cells[0], cells[1], cells[2], cells[3]
		c := &form
		texts := []string{"upload failed: " + text + " (403)", text, `{"message":"` + text + `"}`, `{"value":"` + text + `","n":1}`}
		if kind != "form" {
			c = &named
			texts = []string{kind + `_api_token = "` + text + `"`, kind + "ApiKey: " + text, `{"` + kind + `Token":"` + text + `"}`, kind + "_SECRET=" + text}
		}
		for _, in := range texts {
			got, _ := r.Text(in)
			missed := strings.Contains(got, secret[len(secret)-min(len(secret), 12):])
			if c.add(missed); missed {
				t.Logf("%s: %.150q becomes %.150q", rule, in, got)
			}
		}
	}
	return form, named
}

// TestTokens: at least 95 % of the credentials that gitleaks knows are found.
func TestTokens(t *testing.T) {
	form, named := leakedTokens(t)
	if form.failed*20 > form.texts || named.failed*20 > named.texts || form.texts < 1000 {
		t.Errorf("%+v known by their form, %+v by a name", form, named)
	}
}
