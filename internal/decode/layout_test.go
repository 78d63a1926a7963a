// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"reflect"
	"testing"
)

// A field that is added is masked whole where its name means a credential, whatever its value looks like, and whoever forgets to say so.
func TestNamesOfCredentials(t *testing.T) {
	for _, f := range fieldsOf(reflect.TypeFor[struct {
		AccessToken string   `json:"accessToken"`
		LicenceKey  string   `json:"licenceKey"`
		Passwords   []string `json:"passwords"`
		// These are none.
		TokenURL   string `json:"tokenUrl"`
		SessionID  string `json:"sessionId"`
		PlaybackID string `json:"playbackId"`
		Checksum   string `json:"checksum"`
		RequestID  string `json:"request_id"`
	}]()) {
		got := f.shape
		if got.element != nil {
			got = *got.element
		}
		if want := f.index[0] < 3; (got.kind == secretKind) != want {
			t.Errorf("%s is masked: %t, want %t", f.name, !want, want)
		}
	}
}
