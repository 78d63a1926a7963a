// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact/page"
	"github.com/livepeer/livepeer-task-operator/internal/redact/view"
	"github.com/livepeer/livepeer-task-operator/internal/redact/words"
)

const (
	// minSecretLen is the shortest known secret that is searched for, in bytes. Shorter ones would mask ordinary text.
	minSecretLen = 4
	// minEncodedLen is the shortest known secret that is searched for in base64 and the like.
	minEncodedLen = 8
	// pieceLen is the length of the pieces of a secret that are searched for. All that hold one are masked, so a secret is
	// found that was cut off, at whichever end.
	pieceLen = 12
	// longSecretLen is the longest secret that is searched for from end to end where it is encoded or cut off, in bytes: each byte
	// takes half a kilobyte of memory. Of a longer one, both ends are: what is left is no credential.
	longSecretLen = 256
	// filterBits is how many bits of a hash tell at once that most of a text is no piece.
	filterBits = 15
)

// Secrets are the known secrets as they may occur. Most are searched for by their bones: letters and digits, in lower
// case. So it doesn't matter which alphabet of base64 was used, how hexadecimal digits are written or separated, and
// where lines were wrapped.
type Secrets struct {
	exact  []string          // as they are
	short  []string          // bones of less than pieceLen
	pieces []uint64          // hashes of pieces, in order. What has the same hash as one and is none is masked too, once in 10^15 letters.
	words  map[uint64]string // bones of what may be ordinary words, searched for as a whole, by the hashes of their first pieces
	filter [1 << (filterBits - 6)]uint64
}

// SecretsOf returns what to search for to find the known secrets. Those that are too short, and parts of the mask itself, are ignored.
func SecretsOf(known []string) *Secrets {
	const masks = page.Mask + " " + page.UserInfoMask + "@"
	k := &Secrets{words: map[uint64]string{}}
	for _, s := range known {
		if len(s) >= minSecretLen && !strings.Contains(masks, s) {
			k.add(s)
		}
	}
	slices.Sort(k.exact)
	k.exact = slices.DeleteFunc(slices.Compact(k.exact), func(s string) bool { return strings.Contains(masks, s) })
	slices.Sort(k.pieces)
	k.pieces = slices.Clone(slices.Compact(k.pieces))
	for _, h := range slices.AppendSeq(slices.Clip(k.pieces), maps.Keys(k.words)) {
		k.filter[bucket(h)/64] |= 1 << (bucket(h) % 64)
	}
	return k
}

func (k *Secrets) add(secret string) {
	decoded := view.Of(secret)
	plus := strings.ReplaceAll(secret, " ", "+") // as in a query
	for _, s := range []string{secret, strings.ToUpper(secret), strings.ToLower(secret), decoded.Text, plus} {
		if len(s) >= minSecretLen {
			k.exact = append(k.exact, s)
		}
	}
	if len(secret) > longSecretLen {
		k.addEncoded(secret[:longSecretLen/2])
		k.addEncoded(secret[len(secret)-longSecretLen/2:])
		return
	}
	k.addEncoded(secret)
}

// addEncoded adds what to search for where a secret is encoded or cut off.
func (k *Secrets) addEncoded(secret string) {
	if len(secret) < minEncodedLen {
		return
	}
	plain := bones(view.Of(secret).Text)
	switch {
	case strings.ContainsAny(secret, "0123456789"), words.Opaque(secret):
		k.addBones(plain)
	case len(plain) >= pieceLen: // whose pieces may be ordinary words
		k.words[hash(plain[:pieceLen])] = plain
	}
	decimal, literal := "", "" // as lists of bytes are printed: [48 57], [48,57], 0x30, 0x39
	for _, c := range []byte(secret) {
		decimal += strconv.Itoa(int(c))
		literal += fmt.Sprintf("0x%x", c)
	}
	k.addBones(decimal)
	k.addBones(literal)
	wide := make([]byte, 0, 2*len(secret)) // as PowerShell encodes
	for _, c := range []byte(secret) {
		wide = append(wide, c, 0)
	}
	for _, raw := range []string{secret, url.QueryEscape(secret), string(wide)} {
		k.addBones(bones(hex.EncodeToString([]byte(raw))))
		for before := range 5 {
			padded := append(make([]byte, before), raw...)
			// The characters at both ends depend on what stands around the secret.
			in32 := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(padded)
			k.addBones(bones(in32[(before*8+4)/5 : len(padded)*8/5]))
			in64 := base64.RawStdEncoding.EncodeToString(padded)
			k.addBones(bones(in64[(before*8+5)/6 : len(padded)*8/6]))
		}
	}
}

func (k *Secrets) addBones(s string) {
	if len(s) < pieceLen {
		if len(s) >= minEncodedLen {
			k.short = append(k.short, s)
		}
		return
	}
	for i := 0; i+pieceLen <= len(s); i++ {
		k.pieces = append(k.pieces, hash(s[i:i+pieceLen]))
	}
}

// mayHold reports whether what has this hash may be a piece of a secret: it tells at once that most are none.
func (k *Secrets) mayHold(h uint64) bool {
	b := bucket(h)
	return k.filter[b/64]&(1<<(b%64)) != 0
}

// holds reports whether what has this hash is a piece of a secret.
func (k *Secrets) holds(h uint64) bool {
	_, found := slices.BinarySearch(k.pieces, h)
	return found
}

// bones returns the letters and digits of s in lower case.
func bones(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := view.Lower(s[i]); c != 0 {
			out = append(out, c)
		}
	}
	return string(out)
}

const hashBase = 0x100000001b3

// hashOut is what a byte counts that leaves a rolling hash.
var hashOut = func() uint64 {
	out := uint64(1)
	for range pieceLen {
		out *= hashBase
	}
	return out
}()

func hash(s string) (h uint64) {
	for i := range len(s) {
		h = h*hashBase + uint64(s[i])
	}
	return h
}

func bucket(h uint64) uint64 {
	return h >> (64 - filterBits)
}

// Known masks the known secrets.
func (m *Masker) Known(k *Secrets) {
	for _, secret := range k.exact {
		for from := 0; ; {
			i := strings.Index(m.Text[from:], secret)
			if i < 0 || m.Full() {
				break
			}
			m.Hide(from+i, from+i+len(secret))
			from += i + len(secret)
		}
	}
	var window [16]byte // the last letters and digits, and where they are: more than pieceLen
	var at [len(window)]int
	var h, seen uint64
	until := 0 // where words end that were found
	for i, b := range []byte(m.Text) {
		c := view.Lower(b)
		if c == 0 {
			continue
		}
		h = h*hashBase + uint64(c) - hashOut*uint64(window[(seen-pieceLen)%16])
		window[seen%16], at[seen%16] = c, i
		if seen++; !k.mayHold(h) || seen < pieceLen {
			continue
		}
		if start := at[(seen-pieceLen)%16]; k.holds(h) {
			m.Hide(start, i+1)
		} else if all, ok := k.words[h]; ok && start >= until && !m.Full() {
			until = m.bonesEnd(start, all)
			m.Hide(start, until)
		}
	}
	if len(k.short) > 0 {
		m.shortKnown(k)
	}
}

// bonesEnd returns where these bones end that begin at i; i if there are others.
func (m *Masker) bonesEnd(i int, all string) int {
	end, n := i, 0
	for ; end < len(m.Text) && n < len(all); end++ {
		if c := view.Lower(m.Text[end]); c == all[n] {
			n++
		} else if c != 0 {
			break
		}
	}
	m.Cost += end - i
	if n < len(all) {
		return i
	}
	return end
}

// shortKnown masks the known secrets of which the bones are fewer than those of a piece.
func (m *Masker) shortKnown(k *Secrets) {
	text, at := make([]byte, 0, len(m.Text)), make([]int32, 0, len(m.Text))
	for i := range len(m.Text) {
		if c := view.Lower(m.Text[i]); c != 0 {
			text, at = append(text, c), append(at, int32(i))
		}
	}
	for _, short := range k.short {
		for from := 0; ; {
			i := bytes.Index(text[from:], []byte(short))
			if i < 0 || m.Full() {
				break
			}
			m.Hide(int(at[from+i]), int(at[from+i+len(short)-1])+1)
			from += i + len(short)
		}
	}
}
