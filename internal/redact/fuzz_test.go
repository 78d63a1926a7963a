// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/internal/redact/tokens"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

const known = "Kn0wnS3cr3tValue"

// check asserts what must hold for every input: masking twice changes nothing more, the flag tells the truth, and a
// known secret never survives.
func check(t interface{ Fatalf(string, ...any) }, name, in string, mask func(string) (string, bool)) {
	once, changed := mask(in)
	if changed != (once != in) {
		t.Fatalf("%s(%q) = %q, but changed is %v", name, in, once, changed)
	}
	if twice, again := mask(once); twice != once || again {
		t.Fatalf("%s(%q) is not idempotent: %q, then %q", name, in, once, twice)
	}
	if strings.Contains(view.Of(once).Text, known) {
		t.Fatalf("%s(%q) = %q holds the secret", name, in, once)
	}
}

var seeds = []string{
	"s3+https://AK:S/K@h/b?x=1&sig=2#f=3", "download https://u:p@h/a?b=c, failed: Authorization: Bearer x",
	`{"token":"a\"b","secrets":["x"]} password=y`, jwt, "AKIAIOSFODNN7EXAMPLE", "data:text/plain,abc", known,
	"%4bn0wnS3cr3tValue", "-----BEGIN PRIVATE KEY-----\nx", "a:b@c ?x=y&z", "://@:?#%", "token=" + Mask + "x",
	" 00000000000://AuthoriZAtion:0",
}

// asText and asURL are Text and URL, but for what hides a rule that panics.
func asText(r *Redactor) func(string) (string, bool) {
	return func(s string) (string, bool) { return r.settle(s, false) }
}

func asURL(r *Redactor) func(string) (string, bool) {
	return func(s string) (string, bool) { return address(s, r.settle) }
}

// TestAPanicMasks: a text at which a rule panics is masked as a whole.
func TestAPanicMasks(t *testing.T) {
	r := &Redactor{known: func() *tokens.Secrets { panic("a rule's fault") }}
	for name, mask := range map[string]func(string) (string, bool){"Text": r.Text, "URL": r.URL} {
		if got, changed := mask("https://example.com"); got != Mask || !changed {
			t.Errorf("%s: %q, %v", name, got, changed)
		}
	}
	if got, changed := r.JSON("text"); got != Mask || len(changed) != 1 {
		t.Errorf("JSON: %v, %v", got, changed)
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := New(known)
		check(t, "URL", s, asURL(r))
		check(t, "URL", "https://u:"+known+"@"+s, asURL(r))
	})
}

func FuzzText(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := New(known)
		check(t, "Text", s, asText(r))
		check(t, "Text", s+known+s, asText(r))
	})
}

// snippets are what credentials are made of, so that random texts meet the rules.
var snippets = rapid.SampledFrom([]string{
	"https://", "s3+https://", "://", "u", "p4ss", ":", "@", "/", "?", "=", "&", "#", ";", ",", " ", "\n", `"`, "'", `\`,
	"token", "password", "authorization", "Bearer ", "basic ", "sig", "h.example", Mask, UserInfoMask, jwt, "[", "]", "{",
	"}", "(", ")", ".", "%", "%40", "%3A", "data:", "base64", "AKIAIOSFODNN7EXAMPLE", known, "-----BEGIN PRIVATE KEY-----",
	"h:5432:db:me:", "*", "SETUSER ", ">", " /u:a ", " /p:", "| sudo -S", "echo ", "login(", "REG_SZ", "wpa_passphrase ", "user=a:", "a1B2c3D4", "LOGIN ", "set to ", "<b>", "</b>",
	"sudo -S ", "<<<", "net use \\\\h\\s ", "/user:a ", "sp_addlogin ", "'a'", "kty", "k=clear:", "nonce realm ", "response=", "a:bbbbbb:1:1:", "rar -hp",
	"createUser(", "add_user a ", "]:1 a:b ", " * ", "user=a%b ", "-p <(", "::add-mask::", "User Password\n---- --------\n", "expect ", "send ", "credentials ", " / ", "'' ", "''a",
	"value \"", " for ", "\"path\":[", "/password\",", "given ", "password\n  value ", "password\n--------\n", "PuTTY-User-Key-File-", "Private-Lines:", "7",
	"%s", "$1 ", "@p0", "parameters: [", "-- (", "q'[", "->__construct(", " is not a valid ", " into ", " must ", " too ", "got ", "L: a P: ", "0x1f ", "-> ", " from a to ", "auth a ", "'s ", "~ ",
})

func TestMaskingIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(snippets, 1, 12).Draw(t, "text"), "")
		r := New(known)
		check(t, "URL", s, asURL(r))
		check(t, "Text", s, asText(r))
	})
}

// TestPasswordNeverSurvives: whatever a password consists of, no rule that knows nothing of it leaves a part of it.
func TestPasswordNeverSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.StringMatching(`[a-z/?#:"' +=&.,;()<>%!\\-]{0,4}`), rapid.Just("://")), 0, 3)
		password := "Pw7" + strings.Join(parts.Draw(t, "password"), "") + "7wP"
		s := "s3+https://AKID:" + password + "@s3.example/bucket"
		got, _ := (&Redactor{}).URL(s)
		if got != "s3+https://***:***@s3.example/bucket" {
			t.Fatalf("URL(%q) = %q", s, got)
		}
		another := strings.ContainsAny(password, ` "<>`) && regexp.MustCompile("[a-z]://").MatchString(password) // a URL, behind white space
		got, _ = (&Redactor{}).Text("cannot open " + s + " now")
		if strings.Contains(got, "Pw7") || strings.Contains(got, "7wP") && !another {
			t.Fatalf("Text(%q) = %q", s, got)
		}
	})
}

func BenchmarkText(b *testing.B) {
	r := New("a-long-api-key-of-somebody", "webhook-secret")
	for b.Loop() {
		r.Text("09F8B46C-61A0-4254-9875-F71F4C605BC7")
		r.Text("https://livepeercdn.com/asset/eaw4nk06ts2d0mzb/video/download.mp4")
		r.Text("Failed to upload file")
	}
}
