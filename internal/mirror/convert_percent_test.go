// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"fmt"
	"slices"
	"testing"
)

func TestPercent(t *testing.T) {
	progress := func(number string) *int32 {
		return mustConvert(t, `{"id":"A","status":{"phase":"running","progress":`+number+`}}`).Status.Progress
	}
	for k := range 101 {
		for _, text := range []string{fmt.Sprintf("%.2f", float64(k)/100), fmt.Sprintf("%.4f", (float64(k)+0.99)/100), fmt.Sprintf("%de-2", k)} {
			if got := progress(text); got == nil || *got != int32(k) && k < 100 || *got > 100 {
				t.Errorf("progress of %s is not %d", text, k)
			}
		}
	}
	for text, want := range map[string]int32{"-0.5": 0, "1": 100, "50": 100, "0": 0, "1e-9": 0, "0.9999999": 99, "0.005": 0} {
		if got := progress(text); got == nil || *got != want {
			t.Errorf("progress of %s is %v, want %d", text, got, want)
		}
	}
	for number, named := range map[string]bool{"-0.01": true, "1.01": true, "50": true, "0": false, "-0": false, "1": false, "0.5": false, "1.0": false} {
		o := mustConvert(t, `{"id":"A","status":{"phase":"running","progress":`+number+`}}`)
		if slices.Equal(o.Status.OmittedFields, []string{"progress"}) != named {
			t.Errorf("progress %s: omitted %q", number, o.Status.OmittedFields)
		}
	}
	if progress("null") != nil || progress(`"x"`) != nil {
		t.Error("no progress became a number")
	}
}
