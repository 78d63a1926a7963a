// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMaskingByTheServiceChangesNothing: Studio masks some credentials itself, once a task has ended. What is mirrored
// is the same before and after, so that the end of a task is one write.
func TestMaskingByTheServiceChangesNothing(t *testing.T) {
	const task = `{"id":"a","type":"transcode-file","params":{
		"transcode-file":{"storage":{"url":"s3+https://key:secret@host.example/bucket"}},
		"upload":{"encryption":{"encryptedKey":"wrapped"}}}}`
	before, err := Convert([]byte(task), nil)
	if err != nil {
		t.Fatal(err)
	}
	masked := strings.NewReplacer("key:secret", "***:***", "wrapped", "***").Replace(task)
	after, err := Convert([]byte(masked), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Spec, after.Spec); diff != "" {
		t.Errorf("masking changed the spec (-before +after):\n%s", diff)
	}
	want := []string{"params.transcodeFile.storage.url", "params.upload.encryption.encryptedKey"}
	if diff := cmp.Diff(want, after.Spec.RedactedFields); diff != "" {
		t.Errorf("redactedFields (-want +got):\n%s", diff)
	}
}

// TestNoCharacterCutsACredential: a character that no terminal may obey leaves nothing of the credential that it is in.
func TestNoCharacterCutsACredential(t *testing.T) {
	for _, odd := range []string{`\u0000`, `\u001b[0m`, `\u202e`, `\u200b`} {
		secret := "vX9kqT2m" + odd + "Z8bR4wL7"
		o, err := Convert([]byte(`{"id":"a","type":"password=`+secret+`","params":{
			"upload":{"url":"https://h.example/token=`+secret+`"},
			"exportData":{"content":{"a":"password=`+secret+`","pass`+odd+`word":"`+secret+`","password=`+secret+`":1}}},
			"status":{"phase":"failed","errorMessage":"password=`+secret+`"}}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		text := string(encode(o.Spec)) + string(encode(o.Status))
		if strings.Contains(text, "vX9kqT2m") || strings.Contains(text, "Z8bR4wL7") {
			t.Errorf("%s: %s", odd, text)
		}
	}
}
