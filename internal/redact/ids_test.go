// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// idMaker makes random IDs of the shapes that Studio has, always the same ones.
type idMaker struct{ *rand.Rand }

func (r idMaker) text(alphabet string, length int) string {
	text := make([]byte, length)
	for i := range text {
		text[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(text)
}

func (r idMaker) uuid() string {
	id := make([]byte, 16)
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	id[6], id[8] = id[6]&0xf|0x40, id[8]&0x3f|0x80
	digits := hex.EncodeToString(id)
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// begun returns IDs with the text in each place where what is known by its form may begin.
func (r idMaker) begun(text string) []string {
	const digits, letters = "0123456789abcdef", "0123456789abcdefghijklmnopqrstuvwxyz"
	var all []string
	put := func(id string, at, room int) {
		if len(text) <= room {
			all = append(all, id[:at]+text+id[at+len(text):])
		}
	}
	lower := strings.ToLower(text)
	if text == lower && strings.Trim(text, letters) == "" {
		put(r.text(letters, 16), 0, 12) // an ID of a playback
	}
	if strings.Trim(lower, digits) == "" && (text == lower || text == strings.ToUpper(text)) {
		id, hash := r.uuid(), r.text(digits, 64)
		if text != lower {
			id, hash = strings.ToUpper(id), strings.ToUpper(hash)
		}
		for at, room := range map[int]int{0: 8, 9: 4, 14: 4, 19: 4, 24: 12} {
			put(id, at, room)
		}
		for _, length := range []int{32, 40, 64} { // hashes
			put(hash[:length], 0, length)
		}
	}
	return all
}

// TestIDsNameNothing: an ID of a playback that ends in letters that mean a credential is no name of what follows it in a path.
func TestIDsNameNothing(t *testing.T) {
	r, redactor := idMaker{rand.New(rand.NewPCG(1, 2))}, New("a-long-api-key-of-somebody")
	for _, last := range []string{"pw", "pwd", "pass", "token", "secret", "key"} {
		for range 100 {
			text := fmt.Sprintf("https://cdn.example.com/hls/7%s%s/%s/index.m3u8", r.text("0123456789ab", 15-len(last)), last, r.uuid())
			if got, _ := redactor.PlainURL(text); got != text {
				t.Fatalf("%s becomes %s", text, got)
			}
		}
		if got, _ := redactor.PlainURL("https://cdn.example.com/live/auth0-" + last + "/k3jd93kdk29dk3j4"); last == "secret" && !strings.HasSuffix(got, Mask) {
			t.Errorf("what a %s names is shown: %s", last, got)
		}
	}
}

// TestIDsStay: an ID is none of the credentials that are known by their form, even where it begins, or a part of it does, like one. By
// an ID a task's assets are found.
func TestIDsStay(t *testing.T) {
	r, redactor := idMaker{rand.New(rand.NewPCG(1, 2))}, New("a-long-api-key-of-somebody")
	var ids []string
	for range 2000 {
		ids = append(ids, r.uuid(), strings.ToUpper(r.uuid()))
	}
	for _, form := range words.List("form") {
		prefix, _, _ := strings.Cut(form, "~")
		prefix = strings.TrimSuffix(prefix, "*")
		for range 200 {
			ids = append(ids, r.begun(prefix)...)
		}
	}
	for _, id := range ids {
		for _, form := range []string{
			"%s", "asset %s not found", "%s: no such file", "https://livepeercdn.com/asset/%s/index.m3u8", "https://lvpr.tv/?v=%s",
			"s3+https://***:***@s3.example.com/vod/hls/%s/720p0.mp4", "/hls/%s/index.m3u8", `{"outputAssetId":"%s"}`,
		} {
			text := fmt.Sprintf(form, id)
			if got, _ := redactor.PlainText(text); got != text {
				t.Errorf("the text %s becomes %s", text, got)
			}
			if got, _ := redactor.PlainURL(text); got != text && strings.Contains(form, "/%s/") {
				t.Errorf("the URL %s becomes %s", text, got)
			}
		}
		if t.Failed() {
			t.Fatalf("%s is damaged, of %d IDs", id, len(ids))
		}
	}
	if len(ids) < 8000 {
		t.Errorf("only %d IDs", len(ids))
	}
}
