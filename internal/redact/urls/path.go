// SPDX-License-Identifier: Apache-2.0

package urls

import (
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

// path masks what is a credential in the path of a URL: the key at the end of an address that something is streamed to;
// what follows a segment that names a credential; and the tokens in the addresses of webhooks.
func (m *Masker) path(u *page.URL, from int) {
	if from >= u.Query {
		return
	}
	t := m.Text
	stream := strings.HasPrefix(u.Scheme, "rtmp")
	live := strings.HasPrefix(u.Scheme, "rts") || strings.HasPrefix(u.Scheme, "srt") || u.Scheme == "rist"
	ingest := strings.HasPrefix(u.Scheme, "whip") || strings.HasPrefix(u.Scheme, "whep") || u.Scheme == "webrtc"
	keyed := isKeyHost(strings.ToLower(t[u.Host:from]))
	share := strings.HasSuffix(strings.ToLower(t[u.Host:from]), "storjshare.io")
	hook := keyed
	before, last := "", u.Query
	for last > from && t[last-1] == '/' {
		last--
	}
	for n, i := 0, from; i < u.Query; n++ {
		end := i + 1
		for end < u.Query && (t[end] != '/' || m.isInner(end, u.Depth)) {
			end++
		}
		s := t[min(i+1, end):end]
		switch {
		case s == "" || s == page.Mask || s[0] == ':', strings.ContainsAny(s, "{$_") && words.IsNothing(s):
		case stream && n > 0 && end >= last && !commonStreams[strings.ToLower(s)] && (!isWord(s) || !isLoopback(t[u.Host:from])),
			ingest && (words.TokenLike(s) || !isWord(s)),
			hook && words.TokenLike(s), keyed && end >= last && words.Mixed(s),
			live && words.Opaque(s),
			before == "p" && len(s) >= 32 && strings.HasPrefix(t[end:], "/n/") && words.Opaque(s), // of Oracle, authenticated in advance
			share && (before == "s" || before == "raw") && words.TokenLike(s),
			before == "ks" && words.Opaque(s),                                                           // the session of Kaltura
			strings.HasPrefix(s, "s--") && strings.HasSuffix(s, "--") && len(s) >= len("s--12345678--"), // the signature of Cloudinary
			words.Opaque(s) && strings.IndexByte(s, '.') < 0 && !isIDOf(before, s) &&
				!isMade(before) && (words.StrengthOf(before) >= words.Weak || words.StrengthOf(before) == words.Unsure && !words.IsID(s)),
			strings.HasPrefix(s, "bot") && strings.IndexByte(s, ':') > 0 && len(s) > 20:
			m.Hide(i+1, end)
		}
		switch before = strings.ToLower(s); before {
		case "hook", "hooks", "webhook", "webhooks", "webhookb2":
			hook = true
		case "whip", "whep", "webrtc", "ingest":
			ingest = true
		}
		i = end
	}
}

// isIDOf reports whether s is the ID of one of Studio's sessions or signing keys, as the segment before it says.
func isIDOf(before, s string) bool {
	kind := strings.TrimSuffix(before, "s")
	return kind == "session" && words.IsSessionID("sessionid", s) || kind == "signing-key" && words.IsID(s) && strings.Count(s, "-") == 4
}

// isMade reports whether a segment is an ID itself, which names nothing even where it happens to end like a name.
func isMade(s string) bool {
	const digits = 3 // fewer are in names as well
	l := words.LookAt(s)
	return l.Digits >= digits && words.IsID(s)
}

// isKeyHost reports whether the paths of a host hold a key.
func isKeyHost(host string) bool {
	return slices.ContainsFunc(words.List("key host"), func(known string) bool {
		return strings.HasPrefix(host, known+".") || host == known || strings.HasSuffix(host, "."+known)
	})
}

// commonStreams are names of streams that are no keys.
var commonStreams = words.Set("stream")

func isLoopback(host string) bool {
	return strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "[::1]")
}

// isWord reports whether s consists of letters only, and of few.
func isWord(s string) bool {
	for i := range len(s) {
		if !view.IsLetter(s[i]) {
			return false
		}
	}
	return len(s) <= 10
}

// Path goes through the path at i if there is no URL before it: GET /whip/key HTTP/1.1
func (m *Masker) Path(i int) {
	before := m.At(i - 1)
	if i < m.URL.End || i < m.pathEnd || m.Whole || before != 0 && !view.IsSpace(before) && !view.IsQuote(before) && before != ':' {
		return
	}
	end := m.until(i, "?#", m.Depth(i))
	m.path(&page.URL{Host: i, Query: end}, i)
	m.pathEnd = end
}
