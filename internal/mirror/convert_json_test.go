// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestCanonicalJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"b":1,"a":[ 1.0, 1.50, -0, -0.0, 1e2, 1e21, 1e-7 ]}`: `{"a":[1,1.5,0,0,100,1e+21,1e-7],"b":1}`,
		`9223372036854775807`:   `9223372036854775807`,
		`9223372036854775808`:   `9223372036854776000`,
		`12345678901234567890`:  `12345678901234567000`,
		`{"a":1,"a":2}`:         `{"a":2}`,
		`"<a href=\u0022x\">é"`: `"<a href=\"x\">é"`,
		` null `:                `null`,
	} {
		if got, err := CanonicalJSON([]byte(in)); err != nil || string(got) != want {
			t.Errorf("CanonicalJSON(%s) = %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "{", "1 2", "1e999", "nil"} {
		if got, err := CanonicalJSON([]byte(in)); err == nil {
			t.Errorf("CanonicalJSON(%s) = %s", in, got)
		}
	}
}

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
	if progress("null") != nil || progress(`"x"`) != nil {
		t.Error("no progress became a number")
	}
}

func TestPercentIsMonotonic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(0, 1).Draw(t, "a"), rapid.Float64Range(0, 1).Draw(t, "b")
		if a > b {
			a, b = b, a
		}
		number := func(f float64) *int32 {
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			return (&decoder{}).percent(map[string]any{"p": json.Number(text)}, "p")
		}
		if low, high := *number(a), *number(b); low > high || low < 0 || high > 100 || float64(low) > a*100+1e-9 {
			t.Fatalf("%v is %d, %v is %d", a, low, b, high)
		}
	})
}
