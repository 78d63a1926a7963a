// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/onsi/gomega/format"
)

// canary stands for a credential that no rule knows.
const canary = "cNry0017Zq7Xv9Kp2Lm"

// forms are texts that show a credential, as it occurs in logs, errors and settings. CANARY is the credential, BASIC
// one with a user name in base64.
var forms = []string{
	// HTTP
	"Authorization: Basic BASIC", "authorization=BASIC%20CANARY", "AUTHORIZATION: BEARER CANARY", "got bearer:CANARY",
	"got Bearer=CANARY", `got Bearer "CANARY"`, "got Bearer  CANARY", "got Bearer\tCANARY", "got Bearer\nCANARY", "Bearer: CANARY",
	"Bearer%20CANARY", "Bearer+CANARY", "X-Auth-Token: CANARY", "x-api-key=CANARY", "Set-Cookie: sid=CANARY; Path=/",
	"Cookie: a=b; sid=CANARY", "Proxy-Authorization: Basic BASIC", `Authorization: Digest username="u", nonce="n", response="CANARY"`,
	"Authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=CANARY", "AWS4-HMAC-SHA256 Credential=CANARY/2013",
	// URLs
	"S3+HTTPS://AKEY:CANARY@host/bucket", "s3+https%3A%2F%2Fkey%3ACANARY%40host%2Fbucket", "https%3a%2f%2fhost%2fa%3fsig%3dCANARY",
	"https%253A%252F%252Fhost%252Fa%253Fsig%253DCANARY", `https:\/\/user:CANARY@host\/x`, `{"url":"https:\/\/host\/x?sig=CANARY"}`,
	"https://host/x?a=b&amp;sig=CANARY", "https://host/x;jsessionid=CANARY", "https://host/x?a;sig=CANARY", "https://host/x?sig%3DCANARY",
	"https://host/x?u=https%3A%2F%2Fh%2Fx%3Fsig%3DCANARY", "https://host/x?width=CANARY", "https://host/x?format=CANARY",
	"https://host/x?version=CANARY", "https://host/x#CANARY", "https://host/x#/route?token=CANARY", "https://CANARY@host",
	"https://host/x?token\n=CANARY", "HTTPS://HOST/X?SIG=CANARY", "https:host/x?sig=CANARY", "https:user:CANARY@host",
	"postgres://user:CANARY@host/db?sslmode=disable", "redis://:CANARY@host:6379/0", "smb://DOMAIN;bob:CANARY@h/s",
	"https://hooks.slack.com/services/T000/B000/CANARY", "https://discord.com/api/webhooks/123/CANARY",
	"https://api.telegram.org/bot123456:CANARY/sendMessage", "https://host/token/CANARY/x", "https://host/apikey=CANARY/x",
	"rtmp://h/live/CANARY", "rtmps://h/live/short/CANARY", "srt://h:1?streamid=x&passphrase=CANARY", "magnet:?xt=urn&token=CANARY",
	"https://res.cloudinary.com/demo/video/authenticated/s--CANARY--/v1312461204/a.mp4",
	"https://proxy.example/fetch/https%3A%2F%2Fu%3ACANARY%40h.example", "data:text/plain,CANARY",
	// pairs
	"Server=x;Uid=sa;Pwd=CANARY;", "AccountName=x;AccountKey=CANARY==;Suffix=y", "user=bob pass=CANARY", "DB_PASS=CANARY", "dbPass=CANARY",
	"pass: CANARY", "pw=CANARY", "key=CANARY", `"key":"CANARY"`, "stream_key=CANARY", "streamKey: CANARY", "encKey=CANARY",
	"{'password':'CANARY'}", `{\"password\":\"CANARY\"}`, `{\\\"password\\\":\\\"CANARY\\\"}`, "password:\n  CANARY", "password: |\n  CANARY",
	"password: >-\n  CANARY", "secret: \nCANARY", "[password]=CANARY", "password[]=CANARY", "params[password]=CANARY", "password%3DCANARY",
	"password%22%3A%22CANARY%22", "password := CANARY", "password ==> CANARY", "password -> CANARY", `password: {"a": "CANARY"}`,
	"password='a b CANARY'", `password="a\" CANARY"`, "<password>CANARY</password>", "<Secret>CANARY</Secret>",
	"<AWSAccessKeyId>CANARY</AWSAccessKeyId>", "mnemonic: apple pear CANARY", "SharedAccessSignature sr=x&sig=CANARY&se=1",
	// command lines and sentences
	"--password CANARY", "--password=CANARY", "--token CANARY", "--api-key CANARY", "curl -u user:CANARY https://x",
	"curl -H 'X-Api-Key: CANARY'", "password is CANARY", "the password 'CANARY'", `password "CANARY"`, "secret CANARY",
	"api key CANARY", "invalid API key provided: CANARY", "encryption key CANARY", "no token CANARY found",
	// well-known credentials
	"AKIACNRY0017ZQ7XV9KP", "ASIACNRY0017ZQ7XV9KP", "ghp_CANARYCANARY", "github_pat_11AACANARY_CANARY", "glpat-CANARY", "xoxb-123-456-CANARY",
	"sk_live_CANARY", "sk-proj-CANARYCANARY", "AIzaCANARYCANARY", "SG.CANARY.CANARYCANARY", "npm_CANARYCANARY", "hf_CANARYCANARY",
	"ya29.CANARYCANARY", "whsec_CANARY", "eyJhbGciOiJIUzI1NiJ9.CANARY", "JWT eyJCANARY", "%65yJhbGciOiJIUzI1NiJ9.CANARY",
	"-----BEGIN OPENSSH PRIVATE KEY-----\\nCANARY", "-----BEGIN ENCRYPTED PRIVATE KEY-----\r\nCANARY",
	"-----BEGIN PGP PRIVATE KEY BLOCK-----\nCANARY\n-----END PGP PRIVATE KEY BLOCK-----", "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCgCANARY",
	"gAAAAACANARYCANARYCANARY", "v4.local.CANARYCANARY", "SWMTKN-1-CANARYCANARY", "rzp_live_CANARY", "AKIDCANARYCANARY",
	"ewogICJCANARYCANARY",
	"MIIEpAIBAAKCAQEACANARYCANARY", "b3BlbnNzaC1rZXktdjECANARY", "IQoJb3JpZ2luX2VjEJr//////////wEaCANARYCANARY", "FwoGZXIvYXdzEJr//CANARYCANARY",
	// others
	"https://CANARY%2Fx@host", "nats://CANARY%2B%2F@host:4222", "rtmp://h/live/CANARY%2F4Qx7Lm2", "https://host/token/CANARY%2F4Qx7Lm2Zp/x",
	"https:%2F%2Fhost%2Fx%3Fsig%3DCANARY", "password:\n  CANARYCANARY=", `the password is "aB=CANARY"`,
	"jdbc:sqlserver://h:1433;user=bob;password=x@CANARY;encrypt=true", "jdbc:sqlserver://h;user=bob;password=CANARY@x1",
	"https://host/s/link?md5=CANARY&expires=1700000000", "https://host/s/link?Expires=1700000000&hash=CANARY", "bob:CANARY@[2001:db8::1]/x",
	`map[string][]string{"X-Api-Key":[]string{"CANARY"}}`, `{"accessGrant":"CANARY"}`, "mp4encrypt --key 1:CANARY:0123456789abcdef in out",
	"https://a.upload.youtube.com/http_upload_hls?cid=CANARY&copy=0&file=out.m3u8", "https://a.upload.youtube.com/dash_upload?cid=CANARY&copy=0",
	`"streamKey" is CANARY`, "'apiKey' was CANARY", "value of \"password\" equals CANARY",
}

// TestTokensOfAccounts: what begins with the number of an account is no number alone.
func TestTokensOfAccounts(t *testing.T) {
	for token, want := range map[string]string{
		"MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs":                                                Mask,
		"OTA4MjgxMjk4NTU1MTA5Mzk2.YYzc4A.TB7Ng6DOnVDlpMS4idjGptsreFg":                                                Mask,
		"110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw9":                                                              Mask,
		"AC0123456789abcdef0123456789abcdef:fedcba9876543210fedcba9876543210":                                        "AC0123456789abcdef0123456789abcdef:" + Mask,
		"access_token$production$x7y8z9a1b2c3d4e5$fedcba9876543210fedcba9876543210":                                  Mask,
		"amzn.mws.4ea38b7b-f563-7709-4bae-87aea15c5c8e":                                                              Mask,
		"AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSI%3DEUifiRBkKG5E2XzMDjRfl76ZC9Ub0wnz4XsNiRVB": Mask,
	} {
		for _, around := range []string{"%", "bot % failed", "(%)", "x=%, y", "a\n%\nb"} {
			in, out := strings.Replace(around, "%", token, 1), strings.Replace(around, "%", want, 1)
			if got, _ := (&Redactor{}).Text(in); got != out {
				t.Errorf("%q became %q", in, got)
			}
		}
	}
	for _, stays := range []string{
		"com.example.MediaConverterPipeline.v1beta.SegmentDownloaderImplementation", "12345678:AA", "1700000000:9f86d081884c7d659a2feaa0c55ad015abc",
		"MediaSegmentDownloader.Status.unavailableAtTheEdgeOfTheNetwork", "AAAAAAAAAAAAAAAAAAAAAAAA", "ACTIVE:0123456789abcdef0123456789abcdef",
	} {
		if got, changed := (&Redactor{}).Text("at " + stays + " now"); changed {
			t.Errorf("%q became %q", stays, got)
		}
	}
}

// TestForms: a credential is gone whatever form it comes in, and around other text.
func TestForms(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + canary))
	for _, form := range forms {
		for _, around := range []string{"%", "ffmpeg failed: %", "GET %, status 403", "a\n%\nb"} {
			text := strings.NewReplacer("CANARY", canary, "BASIC", basic).Replace(strings.Replace(around, "%", form, 1))
			got, changed := (&Redactor{}).Text(text)
			if low := strings.ToLower(got); !changed || strings.Contains(low, strings.ToLower(canary[:8])) || strings.Contains(got, basic[4:]) {
				t.Errorf("Text(%q) = %q", text, got)
			}
		}
	}
}

// TestProseStays: what only sounds like a credential is of use.
func TestProseStays(t *testing.T) {
	for _, in := range []string{
		"pass: 2", "two-pass encoding failed", "pass 1 of 2: done", "password reset required", "Invalid password.", "the secret is out",
		"key: videos/2023/01/clip-0001.mp4", "object key a1b2.mp4", "publicKey: a1b2c3d4e5f6a7b8", "primary_key=a1b2c3d4e5f6a7b8",
		"keyframe interval 2.0", "monkey=a1b2c3d4e5f6a7b8", "token standard ERC721", "<string>a1b2</string>", "100% of 50%25",
		"ffmpeg -i in.mp4 -c:v libx264 -u 8 out.mp4", "https://h.example/a%20b/c%2Fd.mp4", "https://h.example/live/stream/index.m3u8",
		"https://h.example/hooks", "rtmp://h.example/live", "https://h.example/x?format=mp4&version=1.2.3&response-content-type=video/mp4",
		"sk-", "AKIA", "a%3Db", "credentials were not accepted",
	} {
		if got, changed := (&Redactor{}).Text(in); got != in || changed {
			t.Errorf("Text(%q) = %q, %v: should stay", in, got, changed)
		}
	}
}

// TestSeedPhrases: the words of a wallet are gone where they are called so, other words stay.
func TestSeedPhrases(t *testing.T) {
	const phrase = "abandon amount liar amount expire adjust cage candy arch gather drum buyer"
	listed := `["` + strings.ReplaceAll(phrase, " ", `","`) + `"]`
	for _, text := range []string{
		"wallet seed: %", "seed words = %", "12-word seed: %", "BIP39 words: %", "seed phrase \"%\" has a bad checksum", "mnemonic phrase: %", "recovery words\n%",
		"recovery phrase is \"%\"", "mnemonic: %",
	} {
		for _, all := range []string{phrase, strings.ReplaceAll(phrase, " ", ", "), listed} {
			got, _ := (&Redactor{}).Text(strings.Replace(text, "%", all, 1))
			if strings.Contains(got, "liar") || strings.Contains(got, "buyer") {
				t.Errorf("%q of %q became %q", text, all, got)
			}
		}
	}
	for _, in := range []string{
		"seed: 42", "seed: please check that your wallet file can still open before trying again with another browser",
		"recovery: " + phrase[:40], "tags: " + phrase,
	} {
		if got, changed := (&Redactor{}).Text(in); changed {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// TestKnownSecretForms: a known secret is gone whatever it was made into, and where it was cut off.
func TestKnownSecretForms(t *testing.T) {
	const key = "1f0c9a4e-61a0-4254-9875-f71f4c605bc7"
	r := New(key)
	encode := base64.StdEncoding.EncodeToString
	for name, form := range map[string]string{
		"verbatim": key, "upper case": strings.ToUpper(key), "no dashes": strings.ReplaceAll(key, "-", ""),
		"percent": strings.ReplaceAll(key, "-", "%2D"), "twice": url.QueryEscape(strings.ReplaceAll(key, "-", "%2d")),
		"hexadecimal": hex.EncodeToString([]byte(key)), "base64": encode([]byte(key)), "base64 of a header": encode([]byte("Bearer " + key)),
		"base64 of user info": encode([]byte("u:" + key + "@h")), "base64 of a byte more": encode([]byte("x" + key)),
		"beginning": key[:20], "long beginning": key[:35], "end": key[10:], "both": key[:16] + "…" + key[20:], "within": "a" + key + "b",
		"lower case": strings.ToLower(key), "percent, all of it": percentAll(key), "percent thrice": percentAll(percentAll(percentAll(key))),
		"escaped": `\u0031` + key[1:], "escaped, all of it": escapeAll(key), "entities": "&#49;" + key[1:], "base64 for URLs": base64.RawURLEncoding.EncodeToString([]byte("x>?" + key)),
		"wrapped base64": wrap(encode([]byte("u:"+key)), 16), "wrapped": wrap(key, 8), "base32": base32.StdEncoding.EncodeToString([]byte(key)),
		"base32 within": base32.StdEncoding.EncodeToString([]byte("key=" + key)), "hexadecimal with colons": wrapWith(hex.EncodeToString([]byte(key)), 2, ":"),
		"upper hexadecimal": strings.ToUpper(hex.EncodeToString([]byte(key))), "bytes of C": "0x" + wrapWith(hex.EncodeToString([]byte(key)), 2, `\x`),
		"UTF-16": encode([]byte(strings.Join(strings.Split(key, ""), "\x00") + "\x00")), "middle": key[10:26], "zero width": wrapWith(key, 3, "\u200b"),
		"JSON in base64": encode([]byte(`{"apiKey":"` + key + `"}`)), "bytes": fmt.Sprintf("%d", []byte(key)), "bytes of Go": fmt.Sprintf("%#v", []byte(key)),
		"bytes in JSON": strings.ReplaceAll(fmt.Sprintf("%d", []byte(key)), " ", ","),
	} {
		got, changed := r.Text("seen " + form + " there")
		rest := strings.NewReplacer("seen", "", "there", "", Mask, "", "…", "", " ", "").Replace(got)
		if !changed || len(rest) > 13 && len(rest) > len(form)/3 {
			t.Errorf("%s: %q became %q", name, form, got)
		}
	}
}

// TestKnownSecretsOfLetters: those that have no digits are found as well where they were wrapped or cut in pieces; what they say, where that
// is words, is not.
func TestKnownSecretsOfLetters(t *testing.T) {
	const random, phrase = "aBcQeFgHiJkLmXoPqRsTuVwZ", "correct-horse-battery-staple"
	r := New(random, phrase)
	for _, secret := range []string{random, phrase} {
		for _, form := range []string{
			secret, strings.ToUpper(secret[:1]) + secret[1:], wrap(secret, 8), wrapWith(secret, 9, "\n    "), wrapWith(secret, 1, " "),
			wrapWith(secret, 10, `', '`), strings.ReplaceAll(secret, "-", "_"),
		} {
			if got, _ := r.Text("seen " + form + " there"); got != "seen "+Mask+" there" {
				t.Errorf("%q became %q", form, got)
			}
		}
	}
	if got, _ := r.Text("cut off " + random[:14] + " there"); got != "cut off "+Mask+" there" {
		t.Error(got)
	}
	if got, changed := r.Text("the correct horse needs a battery, not a staple"); changed {
		t.Error(got)
	}
}

func percentAll(s string) string {
	return strings.ToUpper("%" + wrapWith(hex.EncodeToString([]byte(s)), 2, "%"))
}

func escapeAll(s string) string {
	return `\u00` + wrapWith(hex.EncodeToString([]byte(s)), 2, `\u00`)
}

func wrap(s string, n int) string { return wrapWith(s, n, "\n") }

// wrapWith puts sep into s after each n bytes.
func wrapWith(s string, n int, sep string) string {
	var parts []string
	for ; len(s) > n; s = s[n:] {
		parts = append(parts, s[:n])
	}
	return strings.Join(append(parts, s), sep)
}

// TestNamedValues: a value is masked where something beside it says what it is.
func TestNamedValues(t *testing.T) {
	const in = `{"headers":[{"name":"X-Api-Key","value":"a"},{"name":"Accept","value":"b"},{"Key":"password","Value":{"c":"d"}}],
		"key":"a1b2c3d4e5f6a7b8","streamKey":"e","objectKey":"a1b2c3d4e5f6a7b8"}`
	var v any
	if err := json.Unmarshal([]byte(in), &v); err != nil {
		t.Fatal(err)
	}
	out, changed := (&Redactor{}).JSON(v)
	got, err := json.Marshal(out)
	const want = `{"headers":[{"name":"X-Api-Key","value":"[redacted]"},{"name":"Accept","value":"b"},{"Key":"password","Value":"[redacted]"}],` +
		`"key":"[redacted]","objectKey":"a1b2c3d4e5f6a7b8","streamKey":"[redacted]"}`
	if err != nil || string(got) != want || strings.Join(changed, " ") != "headers[0].value headers[2].Value key streamKey" {
		t.Errorf("got %s, changed %q", got, changed)
	}
}

// TestRedactorKeepsItsSecrets: what knows the secrets doesn't tell them, however it is printed.
func TestRedactorKeepsItsSecrets(t *testing.T) {
	r := New(canary)
	holder := struct{ Redactor *Redactor }{r}
	encoded, err := json.Marshal(holder)
	dumps := []string{format.Object(r, 1), format.Object(holder, 1), string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		dumps = append(dumps, fmt.Sprintf(verb, r), fmt.Sprintf(verb, *r), fmt.Sprintf(verb, holder))
	}
	for _, shown := range dumps {
		if err != nil || strings.Contains(shown, canary) || strings.Contains(shown, hex.EncodeToString([]byte(canary))) {
			t.Errorf("it shows in %s, %v", shown, err)
		}
	}
	if got, _ := r.Text("x " + canary); got != "x "+Mask {
		t.Errorf("got %q", got)
	}
}
