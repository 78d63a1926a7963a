// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

func TestPlain(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                {"", ""},
		"ordinary":               {"a\tb\nc é 漢字 %", "a\tb\nc é 漢字 %"},
		"C0":                     {"a\x00b\x1b[31mc\rd", "a b [31mc d"},
		"DEL":                    {"a\x7fb", "a b"},
		"C1":                     {"a\u0080b\u009b31mc\u0085d\u009f", "a b 31mc d "},
		"direction overrides":    {"invoice\u202egpj.exe\u202c", "invoice gpj.exe "},
		"direction embeddings":   {"\u202aa\u202bb\u202d", " a b "},
		"isolates":               {"\u2066a\u2067b\u2068c\u2069", " a b c "},
		"marks":                  {"a\u200eb\u200fc\u061cd", "abcd"},
		"zero width":             {"se\u200bcr\u200cet\u200d!\u2060\ufeff", "secret!"},
		"separators":             {"a\u2028b\u2029c", "a b c"},
		"soft hyphen, invisible": {"a\u00adb\u2062c\u180ed\u034fe\u3164f\u115fg\ufff9h", "abcdefgh"},
		"tags":                   {"a\U000e0041\U000e007fb", "ab"},
		"bad UTF-8":              {"a\x9bb\xff", "a\ufffdb\ufffd"},
		"U+FFFD":                 {"a\ufffdb", "a\ufffdb"},
		"emoji":                  {"👩\u200d👩\u200d👧 👩🏽\u200d🚀 🏴\u200d☠\ufe0f", "👩\u200d👩\u200d👧 👩🏽\u200d🚀 🏴\u200d☠\ufe0f"},
		"emoji and letter":       {"👩\u200da 👩\u200d", "👩a 👩"},
		"Persian":                {"می\u200cخواهم", "می\u200cخواهم"},
		"Hindi":                  {"क्\u200dष", "क्\u200dष"},
		"joiners elsewhere":      {"\u200dпа\u200cроль\u200d", "пароль"},
		"joiner at a filler":     {"ក\u200d\u17b4ក", "កក"},
		"two joiners":            {"می\u200c\u200cخ", "میخ"},
	} {
		if got := redact.Plain(c.text); got != c.want {
			t.Errorf("%s: %q became %q, want %q", name, c.text, got, c.want)
		}
	}
}

// Each single character: what a terminal obeys is gone, what it shows stays.
func TestPlainOfEachCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		got := redact.Plain("a" + string(r) + "b")
		shown := r == '\t' || r == '\n' || unicode.IsGraphic(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
		if shown && !strings.ContainsRune(got, r) {
			t.Errorf("%U is gone", r)
		}
		obeyed := unicode.IsControl(r) && r != '\t' && r != '\n' || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp)
		if obeyed && strings.ContainsRune(got, r) {
			t.Errorf("%U stays", r)
		}
	}
}

// TestPlainTextIsMasked: what Plain puts a space for, or takes out, neither hides a credential nor cuts one in two.
func TestPlainTextIsMasked(t *testing.T) {
	const first, second = "vX9kqT2m", "Z8bR4wL7"
	r := &redact.Redactor{}
	for _, odd := range []string{"\x00", "\x01", "\x7f", "\x1b[0m", "\u0081", "\u202e", "\u2066", "\u200b", "\u00ad", "\u3164", "\ufeff"} {
		for _, text := range []string{
			"password=" + first + odd + second, "pass" + odd + "word: " + first + second, "Authorization: Bearer " + first + odd + second,
			"ghp_" + first + second + odd + first + second, "https://bob:" + first + odd + second + "@h.example/x",
			"https://h.example/x?token=" + first + odd + second,
		} {
			for name, mask := range map[string]func(string) (string, bool){"text": r.PlainText, "URL": r.PlainURL} {
				got, changed := mask(text)
				if strings.Contains(got, first) || strings.Contains(got, second) || !changed {
					t.Errorf("%s: %q became %q, %v", name, text, got, changed)
				}
				if again, changed := mask(got); again != got || changed {
					t.Errorf("%s: %q became %q", name, got, again)
				}
			}
		}
	}
	for _, odd := range []string{"\x00", "\x01", "\x7f", "\u0081", "\u202e", "\u2066"} { // in place of which a space is shown
		for _, text := range []string{"the password" + odd + "is" + odd + first, "login" + odd + "bob" + odd + "password" + odd + first} {
			if got, changed := r.PlainText(text); strings.Contains(got, first) || !changed {
				t.Errorf("%q became %q, %v", text, got, changed)
			}
		}
	}
	if got, changed := r.PlainText("frame \x1b[31m12\x1b[0m\u202e lost"); got != "frame  [31m12 [0m  lost" || changed {
		t.Errorf("%q, %v", got, changed)
	}
}

func TestPlainWriter(t *testing.T) {
	var b strings.Builder
	text := "task a\u009b\u200b\u202e\n"
	if n, err := (redact.PlainWriter{To: &b}).Write([]byte(text)); n != len(text) || err != nil || b.String() != "task a  \n" {
		t.Errorf("%d, %v, %q", n, err, b.String())
	}
	broken, end := io.Pipe()
	_ = broken.Close()
	if n, err := (redact.PlainWriter{To: end}).Write([]byte(text)); n != 0 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("a\u202eb\u200d\x9b👩\u200d👩")
	f.Fuzz(func(t *testing.T, s string) {
		once := redact.Plain(s)
		if twice := redact.Plain(once); twice != once {
			t.Fatalf("%q became %q, then %q", s, once, twice)
		}
		if !utf8.ValidString(once) || strings.ContainsFunc(once, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }) {
			t.Fatalf("%q became %q", s, once)
		}
	})
}

func BenchmarkPlain(b *testing.B) {
	s := strings.Repeat("https://example.com/a/b.mp4 ", 10)
	for b.Loop() {
		redact.Plain(s)
	}
}

// TestCut: what is shortened fits, ends in whole characters, and says that it was cut.
func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{{"holiday", 7, "holiday"}, {"holiday", 6, "hol…"}, {"héllo wörld", 5, "h…"}, {"日本語", 5, "…"}} {
		if got := redact.Cut(c.text, c.limit); got != c.want || len(got) > c.limit {
			t.Errorf("Cut(%q, %d) = %q, not %q", c.text, c.limit, got, c.want)
		}
	}
}
