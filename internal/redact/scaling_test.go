// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
)

// hostile are shapes that, repeated, made masking slow, or could.
var hostile = []string{
	"?a=b#", "?a=b ", "?a=b", "&a=b", "a:b@c ", "a:b@", "@a:b", "key:[", "key={ ", "key=[{", "token=", "token: ", `"`, `'`, "`", `\`, `\"`, `"\`,
	"[", "]", "{", "}", "[{", "(", "<", "<a>", "<token>", "</", "%", "%25", "%2525", "%3D", "a%3Db ", "%40a:b ", "://", "a://", "a://b:", "a://b@",
	"https://u:p@h/?t=x ", "eyJ", "eyJabcdefgh.", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "data:,", "data:a/b,c ", "bearer ", "Bearer a1b2c3 ",
	"--password ", "--password x ", "-u a:b ", "password is ", "key ", "password", "password:\n", "password: |\n ", "AKIA", "AKIAIOSFODNN7EXAMPLE ",
	"Cookie: a; ", "authorization: basic ", "[redacted]", "***:***@", "a", " ", "\n", "0", "a1", "=", ":", ";", ",", "\x00", "\xff", "\u00e9",
	"&#", "&#61;", "&quot;", `\u0022`, `\x`, "/", "//", "a/", "rtmp://h/live/", "srt://h?streamid=", "{\"a\":", "{\"name\":\"password\",", "[\"a\",",
	"a:1:", "*:*:", "h:5432:db:me:x ", "/a ", "/whip/a ", "wpa_passphrase ", "wpa_passphrase a b ", "net user ", "SETUSER >a ", "LOGIN a ", "password . ", "password REG_",
	"password\n--------\n", "PuTTY-User-Key-File-", "PuTTY-User-Key-File-Private-Lines:", "a/b@//", "a/b@c:1/", "invalid api key 'a' ", "password 7 ", "|", "| sudo ", "echo a | sudo -S ", "a=b:c ", "user=a:b1c2 ", "/p:", " /u:a /p:b", "password . . ", "password??", "login(", "login(a,'b'", "pdo(a,b,'c') ", "password must not be ", "password set to ", "password <a> ", "<b>password</b>: ", "password || ",
	"sudo -S << ", "sudo -S <<< a ", "net use ", "net use \\\\h\\s a /user:b ", "sp_addlogin ", "sp_addlogin 'a','b' ", "kty", "kty:", "{kty:", "{\"kty\":\"a\",\"k\":\"b\"}",
	"kty k=", "a:bbbbbb:1:1:", "a:bbbbbb:1:1:::::", "a:1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:::", "k=clear:", "k=clear:a ", "nonce realm response=", "response=",
	"a:b://", "https://a:://", "https://b:c://d ", "https://b:c://d@", "rar -hp", "rar -hpa ",
	"''a", "''a''", "LOGIN {3}\n", "LOGIN a {3}\nb ", "password:\"b\":private]", "password\n[1] \"a\"", "ConvertTo-SecureString -a ", "name=password\nA: b\n",
	"name=password\nA: b\n\n", "a,'password','b'", "struct(a,'password','b'", "eyJhIjoxfQ ", "\"AUTH\" \"a\" ",
	"createUser('a','b')", "createUser(", "add_user a ", "]:1 a:b ", "[h.a]:1 a:b ", "a * \"b\" * ", "a * ", "* \"", "user=a%b ", "%b", "-p <(a b) ", "<(", "::add-mask::a ", "::add-mask::",
	"User Password\n---- --------\nbob  a\n", "expect password send \"a\" ", "credentials a:b ", "credentials a / b ", "name=token::a ", " /u a /p b ", "set password {a}",
	"]:", "[a]:1:b:c:", "RAR.EXE -hpa ", "net.exe use ", "sudo -kS <<< a ", "<<<a | sudo -S ",
	"{\"path\":[\"a\",\"password\"],\"x\":{", "\" type=\"password\" ", "value \"a\" for password ", "password\n value ", "password given ", "\"password\" with value ",
	"password=? -- [a] ", "password=? parameters: $1 ", "password=$1 ", "VALUES (?) password ", "'a1' is not a valid password ", "password is not valid: a1 ", "password must (a1) ",
	"q'[", "password ~ a1 ", "password \"a\" -> \"b\" ", "password 0x1 \"a\" ", "password's a1 ", "auth a b1c2\n", "L: a P: b1c2 ", "PDO->__construct('a','b','c') ",
	`"a"+"a`, `a" + "`, `a"  `, "stringData:\n a: b\n", "data:\n a: b\nkind: Secret\n", "{\"a\":{}} name=password ", "- -p\n- a\n", "mysql\n- ", "--password\n- ",
	`Some("password") => `, "password[a1b2", "password{a1b2} ", "token a1b2 is ", "AUTH\n$1\n", "password;a1b2", "authToken a1b2 ", "credentials a/b1c2 ",
	"-p'a' ", "-p'a' -u ", "bearer, a1b2 ", "KEY 'a1b2' ", "session id a1b2 ", "login a:b1c2 ", "parse password from \"a1b2\" ", "secret a1b2 given ",
	"failing row contains (a1b2) ", "COPY tokens, line 3: \"a1b2\" ", "dup key: { : ", "password mismatch: expected a1b2 but got c3d4 ", "password != ", "clave secreta: a1b2 ",
	"clave de la clave de la ", "\"htpasswd\",\"-b\",\"a\",", "publish: name='a' ", "AUTH', args: [ 'a' ] ", "password a, got b1c2 ", "dup key: { : { ", "duplicate key value is (COPY tokens, line 3: \"a1b2\" ", "token duplicate key value is (", "value \"a\" for property 'password' ", "htpasswd -b a b1c2 ", "radtest a b1c2 ", "http -a b:c1d2 ", "s3('a','b','c1d2') ", "mnemonic: not set ",
	"привет ", "пароль: ", "ключ ", "नमस्ते", "สวัสดี", "مرحبا ", "漢字文",
	"👩\u200d👧", "a\u0301\u0302", "\ufffd", "\ue000", "ewogIC\n", "eyJhbGciOiJIUzI1NiJ9a1B2c3D4e5F6\n",
	"token: a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6\n", "sb://a/;key=", "s3://a:b/", "password_",
	"password[\"a\"]", "(a) (b) ", "password: (a) (b) ", "password: !a1b2c ",
	"seed: abc def ghi ", "seed: a", "recovery seed bip39 ", "abc def ghi ", "app: 'a', name: 'b' ", "app=[a] stream=[", "app=", "publish:a:b:c ", "publish:a/",
	"streamPath=/a/b ", "streamPath=", "impdp a/b1c2 ", "impdp a/", "a=b&c=d ", "a=b&c ", "a&b=c", "x=&y=",
	"password  x\na1b2c  x\n", "password  x  ", "a  password  x\nb  a1b2c  x\n", "PASSWORD  X  PASSWORD  Y\n", "password changed: a1b2 -> c3d4 ", "password -> a -> ",
	"password → a → ", "密码a1b2c", "密码", "密码是a1b2c ", "パスワード「a1b2c」", "パスワード「", "...", "password...", "password…", "…", "swaks -ap a1b2c ", "-ap a ", "【a】",
	"{\"name\":\"password\",\"a\":[{", "Kn0wnS3cr3tValu", "Kn0wnS3cr3tValue", "aaaaaaaaaaaaaaaa",
}

func BenchmarkHostile(b *testing.B) {
	r := New(known, strings.Repeat("a", 40))
	for _, shape := range hostile {
		for _, size := range []int{8, 16, 32, 64} {
			text := strings.Repeat(shape, size<<10/len(shape))
			b.Run(fmt.Sprintf("%q/%dKiB", shape, size), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					r.Text(text)
				}
			})
		}
	}
}

// steps returns how many bytes are looked at to mask a text.
func steps(text string) int {
	p := page.New(text)
	m := newMasker(&p)
	m.scan()
	return len(m.Text) + m.Cost
}

// checkLinear asserts that twice the text takes not much more than twice the steps, and never more than the bound.
func checkLinear(t *testing.T, shape string) {
	t.Helper()
	const size = 4 << 10
	text := strings.Repeat(shape, size/len(shape))
	once, twice := steps(text), steps(text+text)
	if twice > 2*once+once/2+size/4 {
		t.Errorf("%q: %d bytes take %d steps, twice as much %d", shape, len(text), once, twice)
	}
	if most := 10*(2*len(text)+300) + page.MaxElement*page.MaxLook; twice > most {
		t.Errorf("%q: %d steps for %d bytes", shape, twice, 2*len(text))
	}
}

// TestLinear: no shape of text is slower than linear.
func TestLinear(t *testing.T) {
	for _, shape := range hostile {
		checkLinear(t, shape)
	}
	for i, d := range dresses(t, "testdata/credentials.txt") {
		if i%len(canaries) == 0 {
			checkLinear(t, d.text+" ")
		}
	}
}

func FuzzLinear(f *testing.F) {
	for _, shape := range hostile {
		f.Add(shape)
	}
	f.Fuzz(func(t *testing.T, shape string) {
		if shape != "" && len(shape) < 256 {
			checkLinear(t, shape)
		}
	})
}
