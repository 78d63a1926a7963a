// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"

	"k8s.io/client-go/tools/events"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// TestLongTroubleIsToldInAnEvent: the API server takes no note of more than 1024 bytes, and an answer may have that.
func TestLongTroubleIsToldInAnEvent(t *testing.T) {
	recorder := events.NewFakeRecorder(1)
	tellHealth(recorder, &v1alpha1.LivepeerTaskSource{},
		health{v1alpha1.ReasonSinkRefused, "The sink answers " + strings.Repeat("日本", maxEventNote)})
	prefix := "Warning " + v1alpha1.ReasonSinkRefused + " "
	if told := <-recorder.Events; !strings.HasPrefix(told, prefix+"The sink") || len(told) > len(prefix)+maxEventNote {
		t.Errorf("%d bytes: %s", len(told), told)
	}
}
