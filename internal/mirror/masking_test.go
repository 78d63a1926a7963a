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
