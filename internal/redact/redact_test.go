// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
)

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"

func TestURL(t *testing.T) {
	for in, want := range map[string]string{
		// Nothing to hide.
		"https://cdn.livepeer.com/ABC123/filename.mp4":              "",
		"ipfs://Qmabc123xyz341":                                     "",
		"https://gateway.ipfs.io/ipfs/Qmabc123xyz341":               "",
		"http://localhost:8080/a/@me?width=640&height=360":          "",
		"https://[::1]:8443/a#chapter-2":                            "",
		"https://h.example/a?t=1m30s&format=mp4":                    "",
		"s3+https://***:***@s3.example/bucket":                      "",
		"https://h.example/a?sig=[redacted]&X-Amz-Date=20200101T0Z": "",
		"https://medium.example/@user/a:b":                          "",
		"/relative/path.mp4":                                        "",
		// User info.
		"s3+https://accessKeyId:secretAccessKey@s3Endpoint/bucket": "s3+https://***:***@s3Endpoint/bucket",
		"ssh://a1B2c3D4e5F6g7H8@git.example/x":                     "ssh://***:***@git.example/x",
		"https://ghtoken@git.example/x":                            "https://***:***@git.example/x",
		"https://:pass@redis.example/0":                            "https://***:***@redis.example/0",
		"s3+https://AKID:se/cr+et/x@minio:9000/bucket/a":           "s3+https://***:***@minio:9000/bucket/a",
		"s3+https://AKID:123/cret@minio/bucket":                    "s3+https://***:***@minio/bucket",
		"https://u:p@ss/word@h.example/":                           "https://***:***@h.example/",
		"https://u:p?a#s@h.example/":                               "https://***:***@h.example/",
		"https://u:pa ss\"@h.example/x":                            "https://***:***@h.example/x",
		"https://user:secret":                                      "https://***:***",
		"https://bob:48213377":                                     "https://***:***",
		"https://user%3Asecret%40h.example/x":                      "https://***:***/x",
		"https://proxy.example/https://u:p@h.example/x":            "https://proxy.example/https://***:***@h.example/x",
		"//user:secret@h.example/x":                                "***:***@h.example/x",
		"user:secret@h.example/x":                                  "***:***@h.example/x",
		// Query and fragment.
		"https://h/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=LLMMB": "https://h/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=[redacted]",
		"https://h/a?sig=a/b?c=d&x":                                                "https://h/a?sig=[redacted]&x",
		"https://h/a?t=secret":                                                     "https://h/a?t=[redacted]",
		"https://h/a?c2VjcmV0MTIzNDU2Nzg==":                                        "https://h/a?[redacted]",
		"https://h/a?url=https://u:p@h2/x&foo=bar":                                 "https://h/a?url=https://***:***@h2/x&foo=bar",
		"https://h/a?x=" + strings.Repeat("plain-words-", 11) + "a1B2c3D4e5F6g7H8": "https://h/a?x=[redacted]",
		"https://h/a#access_token=abc":                                             "https://h/a#access_token=[redacted]",
		"https://h/a#a1b2c3d4e5f6a7b8":                                             "https://h/a#[redacted]",
		"/a?sig=abc":                                                               "/a?sig=[redacted]",
		// Credentials in the path, and what no parser accepts.
		"https://h/" + jwt + "/a.mp4":     "https://h/[redacted]/a.mp4",
		"https://u:p@h/%zz\x01?sig=%":     "https://***:***@h/%zz\x01?sig=[redacted]",
		"://u:p@h":                        "://***:***@h",
		"data:text/plain;base64,c2VjcmV0": "data:text/plain;base64,[redacted]",
	} {
		if want == "" {
			want = in
		}
		got, changed := (*Redactor)(nil).URL(in)
		if got != want || changed != (got != in) {
			t.Errorf("URL(%q)\n got %q, %v\nwant %q", in, got, changed, want)
		}
	}
}

// TestURLStaysParseable: what was a URL still is one, with the same host and path.
func TestURLStaysParseable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		user := rapid.StringMatching(`([a-zA-Z0-9]{1,8}(:[a-zA-Z0-9+]{1,12})?@)?`).Draw(t, "user")
		path := rapid.StringMatching(`(/[a-z]{1,5}){0,3}`).Draw(t, "path")
		query := rapid.StringMatching(`(\?[a-z]{1,5}=[a-zA-Z0-9]{0,20}(&[a-z]{1,4}=[0-9]{1,3})?)?`).Draw(t, "query")
		in, err := url.Parse("s3+https://" + user + "host.example" + path + query)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := (&Redactor{}).URL(in.String())
		out, err := url.Parse(got)
		if err != nil {
			t.Fatalf("%s is no URL any more: %v", got, err)
		}
		if out.Scheme != in.Scheme || out.Host != in.Host || out.Path != in.Path || len(out.Query()) != len(in.Query()) {
			t.Fatalf("%s became %s", in, got)
		}
	})
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"download s3+https://AK:SK@h/b failed":                                         "download s3+https://***:***@h/b failed",
		"see (https://h/a?sig=abc), then 'https://u:p@h/b'.":                           "see (https://h/a?sig=[redacted]), then 'https://***:***@h/b'.",
		`cannot open "https://u:pa"ss@h/x" again`:                                      `cannot open "https://***:***@h/x" again`,
		"GET /a?sig=abc&b=c failed":                                                    "GET /a?sig=[redacted]&b=c failed",
		"login as bob:hunter2@db.example failed":                                       "login as ***:***@db.example failed",
		"Authorization: Bearer abc, status 401":                                        "Authorization: [redacted], status 401",
		"Authorization: SSWS 00abc def\nnext line":                                     "Authorization: [redacted]\nnext line",
		"sent bearer abcDEF.1":                                                         "sent bearer [redacted]",
		"sent Basic dXNlcjpwYXNz again":                                                "sent Basic [redacted] again",
		"no token 1f0c9a4e-61a0-4254-9875-f71f4c605bc7 found":                          "no token [redacted] found",
		"with authToken hunter2 and OTP 123456":                                        "with authToken [redacted] and OTP [redacted]",
		"wrong pin 4711, GPIO pin 4711":                                                "wrong pin [redacted], GPIO pin 4711",
		"default credentials bob/hunter2":                                              "default credentials [redacted]",
		"token hunter2 not found":                                                      "token [redacted] not found",
		"invalid value 'hunter2' for '--token <TOKEN>'":                                "invalid value '[redacted]' for '--token <TOKEN>'",
		"argument --secret: invalid value: 'hunter2'":                                  "argument --secret: invalid value: '[redacted]'",
		`invalid credentials "bob:hunter2"`:                                            `invalid credentials "[redacted]"`,
		`{"password": "swordfish" "user": "bob"}`:                                      `{"password": "[redacted]" "user": "bob"}`,
		"sudo -S ls < file <<< hunter2":                                                "sudo -S ls < file <<< [redacted]",
		"'hunter2' | docker login -u bob --password-stdin":                             "'[redacted]' | docker login -u bob --password-stdin",
		"CREATE USER bob IDENTIFIED WITH 'sha2' BY 'hunter2'":                          "CREATE USER bob IDENTIFIED WITH 'sha2' BY '[redacted]'",
		"bob:500:aad3b435b51404eeaad3b435b51404ee:31d6cfe0d16ae931b73c59d7e0c089c0:::": "bob:500:[redacted]:::",
		"https://bob:hun/ter2@db.example:5432.":                                        "https://***:***@db.example:5432.",
		"The parameter MasterUserPassword is not valid: hunter2.":                      "The parameter MasterUserPassword is not valid: [redacted].",
		"set password swordfish.\nThen":                                                "set password [redacted].\nThen",
		`wrong password (was "hunter2"): exit status 1`:                                `wrong password (was "[redacted]"): exit status 1`,
		"token ghp_a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6\na1B2c3D4e5F6g7H8, giving up":  "token [redacted], giving up",
		"apikey [hunter2":                                                              "apikey [[redacted]", "password <hunter2": "password <[redacted]",
		"X-Auth-Token: " + canary + ": exit status 1":                                                 "X-Auth-Token: [redacted]: exit status 1",
		"to ...rtmp://h.example/live/abcd-efgh-ijkl-mnop\n+rtmp://h.example/live/abcd-efgh-ijkl-mnop": "to ...rtmp://h.example/live/[redacted]\n+rtmp://h.example/live/[redacted]",
		"failed:\n\t* password: |\n\t    hunter2\n\t  user: bob":                                      "failed:\n\t* password: |\n\t    [redacted]\n\t  user: bob",
		"password too weak: hunter2 ":                                                                 "password too weak: [redacted] ",
		"password=hunter2<br>next":                                                                    "password=[redacted]<br>next",
		"bob:hunter2@1and1.example":                                                                   "***:***@1and1.example",
		"L: bob P: hunter2":                                                                           "L: bob P: [redacted]",
		"password[hunter2], key: secret[7]":                                                           "password[[redacted]], key: secret[7]",
		`"pass" + "word": "hunter2"`:                                                                  `"pass" + "word": "[redacted]"`,
		"- mysql\n- -p\n- hunter2\n- db":                                                              "- mysql\n- -p\n- [redacted]\n- db",
		"x-api-key: abc":                                                                              "x-api-key: [redacted]",
		"password=a,b;c d":                                                                            "password=[redacted] d",
		"AWS_SECRET_ACCESS_KEY=abc/def+g":                                                             "AWS_SECRET_ACCESS_KEY=[redacted]",
		`{"error":"password 'hunter2'","n":1}`:                                                        `{"error":"password '[redacted]'","n":1}`,
		`{"clientSecret": "a\"b", "n": 1}`:                                                            `{"clientSecret": "[redacted]", "n": 1}`,
		`{\"token\":\"a\\\"b\",\"n\":1}`:                                                              `{\"token\":\"[redacted]\",\"n\":1}`,
		`{"secrets": ["a", "b"], "n": 1}`:                                                             `{"secrets": [redacted], "n": 1}`,
		`{"auth": {"user": "a", "pw": "b"}}`:                                                          `{"auth": [redacted]}`,
		`{"jwt": "cut of`:                                                                             `{"jwt": "[redacted]`,
		"accessKeyId=AK signature='s'":                                                                "accessKeyId=[redacted] signature='[redacted]'",
		"token=[redacted]rest":                                                                        "token=[redacted]",
		"ghp_a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6\na1B2c3D4e5F6g7H8":                                  "[redacted]",
		"sent Bearer a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6\na1B2c3D4e5F6g7H8":                          "sent Bearer [redacted]",
		"SK0123456789abcdef0123456789abcdef:a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4":                         "[redacted]:[redacted]",
		"AKIAIOSFODNN7EXAMPLE/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY":                               "[redacted]",
		`\U00000070assword=hunter2`:                                                                   `\U00000070assword=[redacted]`,
		"%u0070assword=hunter2":                                                                       "%u0070assword=[redacted]",
		`username="bob", nonce="dcd98b7102dd2f0e", response="6629fae49393a05397450978507c4ef1"`: `username="bob", nonce="dcd98b7102dd2f0e", response="[redacted]"`,
		"name,password\n" + strings.Repeat("bob,hunter2\n", 30):                                 "name,password\n" + "[redacted]\n" + strings.Repeat("bob,[redacted]\n", 29),
		"jwt " + jwt + ".":              "jwt [redacted].",
		"key AKIAIOSFODNN7EXAMPLE used": "key [redacted] used",
		"x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- y": "x [redacted] y",
		"x -----BEGIN PRIVATE KEY-----\\nabc":                                     "x [redacted]",
		"src='data:image/png;base64,iVBORw0KGgo=' alt":                            "src='data:image/png;base64,[redacted]' alt",
	} {
		got, changed := (&Redactor{}).Text(in)
		if got != want || !changed {
			t.Errorf("Text(%q)\n got %q, %v\nwant %q", in, got, changed, want)
		}
	}
}

// TestLinesMayEndAsInHTTP: CR and LF end one line, as they are and escaped. What is masked does not depend on that.
func TestLinesMayEndAsInHTTP(t *testing.T) {
	texts := lines(t, "testdata/harmless.txt")
	for _, d := range dresses(t, "testdata/credentials.txt") {
		texts = append(texts, d.text)
	}
	r := &Redactor{}
	for _, text := range texts {
		if !strings.Contains(text, "\n") || strings.Contains(text, "\r") {
			continue
		}
		want, _ := r.settle(text, false)
		for _, end := range []string{"\r\n", `\r\n`} {
			if end != "\r\n" && strings.Contains(text, "\\\n") { // a backslash would have to be escaped as well
				continue
			}
			got, _ := r.settle(strings.ReplaceAll(text, "\n", end), false)
			if end == "\r\n" && got != strings.ReplaceAll(want, "\n", end) || strings.Count(got, Mask) < strings.Count(want, Mask) {
				t.Errorf("%.200q becomes %.200q\n with %q %.200q", text, want, end, got)
			}
		}
	}
}

func TestTextKeeps(t *testing.T) {
	for _, in := range []string{
		"", "Hello, World!", "Failed to upload file", "filename.mp4", "Jam session: part two.mp4", "The Secret: a film.mp4",
		"09F8B46C-61A0-4254-9875-F71F4C605BC7", "9b560b28b85378a5004117539196ab24e21bbd75b0e9eb1a8bc7c5fd80dc5b57",
		"6f8932cdb5513f59dacee6969bc52f5a", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG",
		"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", "eaw4nk06ts2d0mzb", "1bde4o2i6xycudoy",
		"/samplevideo/hls", "H264Baseline", "H.264", "yuv420p", "upload", "export-data", "catalyst_ffmpeg", "<string>",
		"My API key", "user@example.com", "mailto:user@example.com", "at 12:30: codec mov,mp4 not found (code=4)",
		"bearer token is missing", "basic authentication failed", "Invalid token. Author: Bob", "a ? b : c = d", "50%",
		"unexpected token hunter2 in JSON", "--api-key\n--verbose", "mysql --password -h db.example", "db_password **required**", "invalid value \"my-secret\" for --pull-secret", "unknown credentials 'video:read'",
		"passwordless=login4you", "token expired: renew it", "{\"width\": 3, \"name\": \"x\"}", "https://livepeer.example/docs", "2020-04-23T18:39:34.725Z",
	} {
		if got, changed := (&Redactor{}).Text(in); got != in || changed {
			t.Errorf("Text(%q) = %q, %v: should stay", in, got, changed)
		}
	}
}

func TestKnownSecrets(t *testing.T) {
	const secret = "p4ss/wörd +1"
	r := New("abc", "", secret, "plainkey")
	for _, in := range []string{
		"say " + secret + " now", "https://h/" + url.PathEscape(secret) + "/x", "https://h/" + url.QueryEscape(secret),
		"https://h/" + strings.ToLower(url.PathEscape(secret)), "https://h/" + url.QueryEscape(url.QueryEscape(secret)),
		"https://h/" + url.QueryEscape(url.QueryEscape(url.QueryEscape(url.QueryEscape(secret)))),
		"https://h/p%6cainkey/x", "xplainkeyx",
	} {
		got, changed := r.Text(in)
		decoded := view.Of(got).Text
		if !changed || strings.Contains(decoded, "wörd") || strings.Contains(decoded, "plainkey") {
			t.Errorf("Text(%q) = %q, %v", in, got, changed)
		}
	}
	if got, _ := r.Text("abc"); got != "abc" {
		t.Errorf("a secret of 3 bytes was masked: %q", got)
	}
	if got, _ := New(Mask, "redacted", "REDACTED").Text("a " + Mask); got != "a "+Mask {
		t.Errorf("the mask was masked: %q", got)
	}
}
