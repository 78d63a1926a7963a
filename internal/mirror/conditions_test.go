// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"maps"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestConditions(t *testing.T) {
	created := new(metav1.NewMicroTime(time.UnixMilli(1587667174725)))
	updated := new(metav1.NewMicroTime(time.UnixMilli(1587667179999)))
	for _, c := range []struct {
		phase, message         string
		ready, finished        metav1.ConditionStatus
		second, reason, expect string
		short                  string
		since                  *metav1.MicroTime
	}{
		{"pending", "", "False", "False", "Reconciling", "Pending", "scheduled", "Waits to be scheduled.", created},
		{"waiting", "", "False", "False", "Reconciling", "Waiting", "worker", "Waits for a worker.", created},
		{"waiting", "no disk", "False", "False", "Reconciling", "Waiting", "no disk", "Tries again after: no disk", created},
		{"running", "no disk", "False", "False", "Reconciling", "Running", "running", "", created},
		{"completed", "", "True", "True", "", "Completed", "completed", "", updated},
		{"failed", "no disk", "False", "True", "Stalled", "Failed", "no disk", "no disk", updated},
		{"failed", "", "False", "True", "Stalled", "Failed", "no reason", "Studio gives no reason.", updated},
		{"cancelled", "", "False", "True", "Stalled", "Cancelled", "cancelled", "", updated},
		{"", "", "False", "False", "Reconciling", "Unknown", "does not say", "", created},
		{"frozen", "", "False", "False", "Reconciling", "Unknown", `"frozen"`, "This version of the operator does not know the phase.", created},
	} {
		want := map[string]metav1.ConditionStatus{"Ready": c.ready, "Finished": c.finished}
		if c.second != "" {
			want[c.second] = "True"
		}
		got := map[string]metav1.ConditionStatus{}
		for _, condition := range Conditions(c.phase, c.message, created, updated) {
			got[condition.Type] = condition.Status
			if condition.Reason != c.reason || condition.ObservedGeneration != 0 {
				t.Errorf("%s: %+v", c.phase, condition)
			}
			if short := condition.Type == "Finished"; short && condition.Message != c.short || !short && !strings.Contains(condition.Message, c.expect) {
				t.Errorf("%s: %+v", c.phase, condition)
			}
			if condition.LastTransitionTime.Unix() != c.since.Unix() || condition.LastTransitionTime.Nanosecond() != 0 {
				t.Errorf("%s: since %v", c.phase, condition.LastTransitionTime)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.phase, got, want)
		}
	}
}

// TestShortMessages: what the column shows is on one line, and no longer than 60 characters, however wide they are in bytes.
func TestShortMessages(t *testing.T) {
	for message, want := range map[string]string{
		"two\nlines\tand  more":                    "two lines and more",
		strings.Repeat("é", 60):                    strings.Repeat("é", 60),
		strings.Repeat("é", 61):                    strings.Repeat("é", 59) + "…",
		strings.Repeat("x", 58) + " " + "yyyyyyyy": strings.Repeat("x", 58) + "…",
	} {
		if got := Conditions("failed", message, nil, nil)[1]; got.Type != "Finished" || got.Message != want {
			t.Errorf("%q: %+v", message, got)
		}
	}
}

func TestConditionsAreBounded(t *testing.T) {
	long := strings.Repeat("é", 5000)
	for _, phase := range []string{"failed", "waiting", long} {
		if message := Conditions(phase, long, nil, nil)[0].Message; len(message) > 1024 || !strings.Contains(message, "…") {
			t.Errorf("%.10s: %d bytes", phase, len(message))
		}
	}
	updated := new(metav1.NewMicroTime(time.UnixMilli(5000)))
	if got := Conditions("running", "", nil, updated)[0].LastTransitionTime; got.Unix() != 5 {
		t.Errorf("without createdAt: %v", got)
	}
	if got := Conditions("failed", "", nil, nil)[0].LastTransitionTime; got.Unix() != 0 {
		t.Errorf("without times: %v", got)
	}
}
