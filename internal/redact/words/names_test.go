// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

func TestStrengthOfNames(t *testing.T) {
	for _, key := range []string{"password", "userPasswd", "secret", "clientSecret", "token", "accessToken", "mytoken",
		"apikey", "apiKey", "api_key", "X-Api-Key", "accessKeyId", "AWS_ACCESS_KEY_ID", "private-key", "credentials",
		"Authorization", "auth", "x-auth", "jwt", "signature", "sig", "session", "sessionId", "SESSION_ID", "HTTPAuth"} {
		if words.StrengthOf(key) < words.Weak {
			t.Errorf("%s is not seen as a credential", key)
		}
	}
	for _, key := range []string{"", "id", "author", "authored", "design", "tokenId", "tokenURI", "token_standard", "key",
		"name", "obsession", "assign", "content", "streamerId", "sessionCount", "maxTokens", "objectKey"} {
		if words.StrengthOf(key) > words.Unsure {
			t.Errorf("%s is seen as a credential", key)
		}
	}
}

// TestOpaque: signs strewn into it don't make a password one that somebody could say aloud; neither are they what makes a word one.
func TestOpaque(t *testing.T) {
	for s, want := range map[string]bool{
		"vX9!kqT2$mZ8^bR4+wL7~cHq": true, "cNry0017Zq7Xv9Kp2Lm": true,
		"Failed!To$Read^The+Last~File": false, "a+b=c*d=e^2+f^2=g2": false, "assets/2024/intro-1080p60.mp4": false,
	} {
		if words.Opaque(s) != want {
			t.Errorf("Opaque(%q) is not %v", s, want)
		}
	}
}

// TestForeign: passwords in other scripts end with a number; what is said of passwords is not.
func TestForeign(t *testing.T) {
	for s, want := range map[string]bool{
		"минимум": true, "mинимуm": true, "неверный,": true, "8文字以上": true, "8자": true, "태그": true, "弱": true, "कमज़ोर": true,
		"Привет2024!": false, "我的密码2024": false, "さくら9": false, "hunter2✓": false, "hünter": false, "пароль=2": false,
		"": false, "…": false, "٢٠٢٤": false,
	} {
		if words.IsForeign(s) != want {
			t.Errorf("IsForeign(%q) is not %v", s, want)
		}
	}
}
