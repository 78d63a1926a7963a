// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// The header is read as leniently as senders and proxies may write it.
func TestSignatureHeader(t *testing.T) {
	const body = `{"a":1}`
	good, bad := signature(body, testSecret), signature(body, "another")
	for header, valid := range map[string]bool{
		"t=1,v1=" + good:                true,
		"v1=" + good + ",t=1":           true,
		" t = 1 , v1 = " + good + " ":   true,
		"v1=" + strings.ToUpper(good):   true,
		"t=1,v1=" + bad + ",v1=" + good: true,
		"t=1,v0=x,v1=" + good + ",v2=y": true,
		"v1=zz,v1,=,,v1=" + good:        true,
		"t=1,v1=" + bad:                 false,
		"t=1,v1=" + good[1:]:            false,
		"t=1,v1=" + good + "00":         false,
		"V1=" + good:                    false,
		good:                            false,
		"":                              false,
		strings.Repeat("v1="+bad+",", 8) + "v1=" + good: false, // more than anybody sends
	} {
		NewWithT(t).Expect(verified([]string{header}, []byte(body), []byte(testSecret))).To(Equal(valid), header)
	}
	NewWithT(t).Expect(verified([]string{"t=1,v1=" + bad, "t=1,v1=" + good}, []byte(body), []byte(testSecret))).To(BeTrue())
	NewWithT(t).Expect(verified(nil, []byte(body), []byte(testSecret))).To(BeFalse())
}

// FuzzSignature: no header but one with the signature itself is ever taken for it.
func FuzzSignature(f *testing.F) {
	const body = "x"
	good := signature(body, testSecret)
	for _, seed := range []string{"t=1,v1=" + good, "v1=", "=,=", "v1=" + strings.Repeat("0", 64)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if verified([]string{header}, []byte(body), []byte(testSecret)) && !strings.Contains(strings.ToLower(header), good) {
			t.Errorf("%q is taken for a signature", header)
		}
	})
}

// FuzzEvent: whatever is signed, what comes of it is within bounds.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		signed("e", "t", time.Now()).body, `{"timestamp":1}`, `{"timestamp":1e18,"payload":[]}`, `[`, `{"payload":{"task":{"id":"` + "\x00" + `"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := parseEvent(body)
		if err != nil {
			return
		}
		if updated := event.updatedAt(); updated < 0 || updated > event.signed.Add(maxAhead).UnixMilli() {
			t.Errorf("updated at %d", updated)
		}
		if event.signed.UnixMilli() < 0 || event.signed.Year() > 9999 {
			t.Errorf("signed at %s", event.signed)
		}
		if event.aboutTask() && (event.taskID == "" || len(event.taskID) > maxTaskID) {
			t.Errorf("task %q", event.taskID)
		}
	})
}
