// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func parse(t testing.TB, s string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestJSON(t *testing.T) {
	for _, c := range []struct {
		in, want string
		changed  []string
	}{
		{`null`, `null`, nil},
		{`"Hello, World!"`, `"Hello, World!"`, nil},
		{`"https://u:p@h/"`, `"https://***:***@h/"`, []string{""}},
		{`{"a":{"token":"x","n":1.50},"b":["y","Bearer abc1"]}`, `{"a":{"n":1.50,"token":"[redacted]"},"b":["y","Bearer [redacted]"]}`,
			[]string{"a.token", "b[1]"}},
		{`[{"password":123}]`, `[{"password":"[redacted]"}]`, []string{"[0].password"}},
		{`{"auth":{"user":"x"},"secrets":["y"]}`, `{"auth":"[redacted]","secrets":"[redacted]"}`, []string{"auth", "secrets"}},
		{`{"auth":{},"secrets":[],"token":"","jwt":null,"session":true}`, `{"auth":{},"jwt":null,"secrets":[],"session":true,"token":""}`, nil},
		{`{"kty":"oct","k":"x","kid":"y"}`, `{"k":"[redacted]","kid":"y","kty":"oct"}`, []string{"k"}},
		{`{"token":"[redacted]"}`, `{"token":"[redacted]"}`, nil},
		{`{"tokens":{"` + canary + `":{"uses":1}}}`, `{"tokens":"[redacted]"}`, []string{"tokens"}},
		{`{"tokens":[{"value":"` + canary + `"}],"sessions":[{"id":"eaw4nk06ts2d0mzb"}]}`,
			`{"sessions":[{"id":"eaw4nk06ts2d0mzb"}],"tokens":"[redacted]"}`, []string{"tokens"}},
		{`{"command":["mysql","-uroot","-phunter2","-h","db"],"run":["-u","1000:1000"]}`,
			`{"command":["mysql","-uroot","-p[redacted]","-h","db"],"run":["-u","1000:1000"]}`, []string{"command[2]"}},
		{`["--password","hunter2",5,["password",48213]]`, `["--password","[redacted]",5,["password","[redacted]"]]`, []string{"[1]", "[3][1]"}},
		{`{"path":["user","password"],"received":"hunter2"}`, `{"path":["user","password"],"received":"[redacted]"}`, []string{"received"}},
		{`{"password":"none","apiKey":"n/a","secret":"unknown","streamKey":"Disabled","token":"not set","psk":"redacted","auth":"public"}`,
			`{"apiKey":"n/a","auth":"public","password":"none","psk":"redacted","secret":"unknown","streamKey":"Disabled","token":"not set"}`, nil},
		{`{"sessionId":"eaw4nk06ts2d0mzb"}`, `{"sessionId":"eaw4nk06ts2d0mzb"}`, nil},
		{`{"verificationCode":"492039","pin":4711,"code":"404123","pins":12}`,
			`{"code":"404123","pin":"[redacted]","pins":12,"verificationCode":"[redacted]"}`, []string{"pin", "verificationCode"}},
		{`{"verificationCode":492039,"smsCode":12}`, `{"smsCode":12,"verificationCode":"[redacted]"}`, []string{"verificationCode"}},
		{`{"sessionId":48213}`, `{"sessionId":48213}`, nil},
		{`{"Name":"X-Api-Key","Values":["x"]}`, `{"Name":"X-Api-Key","Values":"[redacted]"}`, []string{"Values"}},
		{`{"stream":{"key":"abcd-efgh","name":"a"},"storage":{"key":"a/b"},"object":{"key":"abcd-efgh"}}`,
			`{"object":{"key":"abcd-efgh"},"storage":{"key":"a/b"},"stream":{"key":"[redacted]","name":"a"}}`, []string{"stream.key"}},
		{`{"to":[{"key":"abcd-efgh","url":"rtmps://h/live"}],"streams":[[{"key":"a1"}]]}`,
			`{"streams":[[{"key":"[redacted]"}]],"to":[{"key":"[redacted]","url":"rtmps://h/live"}]}`, []string{"streams[0][0].key", "to[0].key"}},
		{`{"keys":["` + canary + `","main"],"k":[{"kid":"a","k":"` + canary + `"},{"kid":"a","d":5}]}`,
			`{"k":[{"k":"[redacted]","kid":"a"},{"d":5,"kid":"a"}],"keys":["[redacted]","main"]}`, []string{"k[0].k", "keys[0]"}},
		{`{"a":{"streamName":"ab1c-d2ef-3gh4-i5jk-6lmn","ingestionAddress":"rtmp://a.rtmp.youtube.com/live2"},"b":{"streamName":"ab1c-d2ef-3gh4"}}`,
			`{"a":{"ingestionAddress":"rtmp://a.rtmp.youtube.com/live2","streamName":"[redacted]"},"b":{"streamName":"ab1c-d2ef-3gh4"}}`,
			[]string{"a.streamName"}},
		{`{"stream_name":"camera1","url":"rtmp://h/live"}`, `{"stream_name":"camera1","url":"rtmp://h/live"}`, nil},
		{`{"secret":{"key":"abcd-efgh"},"streams":[{"key":"abcd-efgh","value":"b"}]}`,
			`{"secret":"[redacted]","streams":[{"key":"abcd-efgh","value":"b"}]}`, []string{"secret"}},
		{`{"nonce":"a","realm":"b","response":"` + canary + `"}`, `{"nonce":"a","realm":"b","response":"[redacted]"}`, []string{"response"}},
		{`["-----BEGIN PRIVATE KEY-----","` + canary + `","a","-----END PRIVATE KEY-----","b"]`,
			`["[redacted]","[redacted]","[redacted]","-----END PRIVATE KEY-----","b"]`, []string{"[0]", "[1]", "[2]"}},
		{`{"` + jwt + `":1}`, `{"[redacted]":1}`, []string{"[redacted]"}},
	} {
		in := parse(t, c.in)
		out, changed := (&Redactor{}).JSON(in)
		got, err := json.Marshal(out)
		if err != nil || string(got) != c.want || !reflect.DeepEqual(changed, c.changed) {
			t.Errorf("JSON(%s) = %s %q, want %s %q (%v)", c.in, got, changed, c.want, c.changed, err)
		}
		if !reflect.DeepEqual(in, parse(t, c.in)) {
			t.Errorf("JSON(%s) changed its argument", c.in)
		}
		if again, changed := (&Redactor{}).JSON(out); changed != nil || !reflect.DeepEqual(again, out) {
			t.Errorf("JSON(%s) is not idempotent: %v", c.want, changed)
		}
	}
}

// TestLongKeys: a path shows the beginning of a long key, in whole characters.
func TestLongKeys(t *testing.T) {
	for key, want := range map[string]string{
		strings.Repeat("x", maxKey):         strings.Repeat("x", maxKey),
		strings.Repeat("x", maxKey+1):       strings.Repeat("x", maxKey) + "…",
		"x" + strings.Repeat("é", maxKey/2): "x" + strings.Repeat("é", maxKey/2-1) + "…",
	} {
		out, changed := (&Redactor{}).JSON(map[string]any{key: "sent Bearer abc1"})
		if !reflect.DeepEqual(changed, []string{want}) || !reflect.DeepEqual(out, map[string]any{key: "sent Bearer [redacted]"}) {
			t.Errorf("%s: %q, %v", key, changed, out)
		}
	}
}
