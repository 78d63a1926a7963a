// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// canonicalForm returns the canonical form of a document.
func canonicalForm(raw []byte) ([]byte, error) {
	v, err := Tree(raw)
	if err != nil {
		return nil, err
	}
	return canonical(v)
}

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
		if got, err := canonicalForm([]byte(in)); err != nil || string(got) != want {
			t.Errorf("the canonical form of %s = %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "{", "1 2", "1e999", "nil"} {
		if got, err := canonicalForm([]byte(in)); err == nil {
			t.Errorf("the canonical form of %s = %s", in, got)
		}
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
			return (&Decoder{}).Percent(map[string]any{"p": json.Number(text)}, "p")
		}
		if low, high := *number(a), *number(b); low > high || low < 0 || high > 100 || float64(low) > a*100+1e-9 {
			t.Fatalf("%v is %d, %v is %d", a, low, b, high)
		}
	})
}

func FuzzCanonicalJSON(f *testing.F) {
	f.Add([]byte(`{"b":[1.0,-0.0,1e300,12345678901234567890,"\ud800<"],"a":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		once, err := canonicalForm(raw)
		if err != nil {
			return
		}
		twice, err := canonicalForm(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s, then %s, %v", once, twice, err)
		}
	})
}
