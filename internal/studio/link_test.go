// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"strings"
	"testing"
)

func TestLinkCursor(t *testing.T) {
	for header, want := range map[string]string{
		`<http://h/api/task?limit=1&cursor=abc>; rel="next"`:           "abc",
		`<http://h/a>; rel="prev", </task?cursor=x,y;z>; rel=next`:     "",
		`<http://h/a>; rel="prev", </task?cursor=x,y>; rel=next`:       "x,y",
		`<?cursor=p>; title="a, b"; rel="last next"`:                   "p",
		`<?cursor=p>; REL="NEXT"`:                                      "p",
		`<?cursor=p>; rel="nextish"`:                                   "",
		`<?cursor=p>; rel="prev"`:                                      "",
		`<http://h/api/task?cursor=undefined>; rel="next"`:             "",
		`<http://h/api/task?cursor=skip20>; rel="next"`:                "",
		`<http://h/api/task?cursor=skippy>; rel="next"`:                "skippy",
		`<http://h/api/task>; rel="next"`:                              "",
		`<http://h/%zz?cursor=a>; rel="next", <?cursor=b>; rel="next"`: "b",
		`<?cursor=a%20%26b>; rel=next`:                                 "a &b",
		`<?cursor=` + strings.Repeat("a", maxID+1) + `>; rel=next`:     "",
		`<?cursor=a; rel=next`:                                         "",
		`garbage`:                                                      "",
		``:                                                             "",
	} {
		if got := linkCursor([]string{header}); got != want {
			t.Errorf("%s: cursor %q, want %q", header, got, want)
		}
	}
	if got := linkCursor([]string{`<?cursor=a>; rel=prev`, `<?cursor=b>; rel=next`}); got != "b" {
		t.Errorf("of two headers: cursor %q, want b", got)
	}
}

func FuzzLink(f *testing.F) {
	f.Add(`<http://h/api/task?limit=1&cursor=skip20>; rel="next"`)
	f.Add(`<a>; rel=prev, <?cursor=x>; rel="last next"`)
	f.Add(`<<>>;;,,"`)
	f.Fuzz(func(t *testing.T, header string) {
		c := linkCursor([]string{header})
		if c == "undefined" || len(c) > maxID {
			t.Errorf("cursor %q of %q", c, header)
		}
		if c != "" && !strings.Contains(header, "cursor") && !strings.Contains(header, "%") {
			t.Errorf("cursor %q out of nowhere in %q", c, header)
		}
	})
}
