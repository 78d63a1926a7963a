// SPDX-License-Identifier: Apache-2.0

package mirror

import (
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
		ready                  metav1.ConditionStatus
		second, reason, expect string
		since                  *metav1.MicroTime
	}{
		{"pending", "", "False", "Reconciling", "Pending", "scheduled", created},
		{"waiting", "", "False", "Reconciling", "Waiting", "worker", created},
		{"waiting", "no disk", "False", "Reconciling", "Waiting", "no disk", created},
		{"running", "no disk", "False", "Reconciling", "Running", "running", created},
		{"completed", "", "True", "", "Completed", "completed", updated},
		{"failed", "no disk", "False", "Stalled", "Failed", "no disk", updated},
		{"failed", "", "False", "Stalled", "Failed", "no reason", updated},
		{"cancelled", "", "False", "Stalled", "Cancelled", "cancelled", updated},
		{"", "", "False", "Reconciling", "Unknown", "does not say", created},
		{"frozen", "", "False", "Reconciling", "Unknown", `"frozen"`, created},
	} {
		got := Conditions(c.phase, c.message, created, updated)
		want := 2
		if c.second == "" {
			want = 1
		}
		if len(got) != want || got[0].Type != "Ready" || got[0].Status != c.ready {
			t.Errorf("%s: %+v", c.phase, got)
			continue
		}
		if want == 2 && (got[1].Type != c.second || got[1].Status != "True") {
			t.Errorf("%s: %+v", c.phase, got[1])
		}
		for _, condition := range got {
			if condition.Reason != c.reason || !strings.Contains(condition.Message, c.expect) || condition.ObservedGeneration != 0 {
				t.Errorf("%s: %+v", c.phase, condition)
			}
			if condition.LastTransitionTime.Unix() != c.since.Unix() || condition.LastTransitionTime.Nanosecond() != 0 {
				t.Errorf("%s: since %v", c.phase, condition.LastTransitionTime)
			}
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
