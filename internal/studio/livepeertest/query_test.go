// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFilters(t *testing.T) {
	s := NewServer()
	s.Put(
		Task{"id": "a", "type": "upload", "outputAssetId": "o", "createdAt": 1, "status": obj{"updatedAt": 10}},
		Task{"id": "b", "type": "clip", "inputAssetId": "i", "createdAt": 2, "status": obj{"updatedAt": 20}},
		Task{"id": "c", "type": "upload", "projectId": ProjectID, "createdAt": 3}, // no status: no updatedAt
	)
	for _, tc := range []struct {
		filters, want string
		status        int
	}{
		{`[]`, "b a c", 200},
		{`[{"id":"updatedAt","value":{"gte":10}}]`, "b a", 200},
		{`[{"id":"updatedAt","value":{"gt":10}}]`, "b", 200},
		{`[{"id":"updatedAt","value":{"lte":20}}]`, "b a", 200},
		{`[{"id":"updatedAt","value":{"lt":20,"gte":"5"}}]`, "a", 200},
		{`[{"id":"updatedAt","value":20}]`, "b", 200},
		{`[{"id":"updatedAt","value":null}]`, "", 200},
		{`[{"id":"updatedAt","value":{"gte":0}}]`, "b a", 200},
		{`[{"id":"createdAt","value":{"gte":2}}]`, "b c", 200},
		{`[{"id":"createdAt","value":{"gte":2}},{"id":"type","value":"upload"}]`, "c", 200},
		{`[{"id":"id","value":"a"}]`, "a", 200},
		{`[{"id":"inputAssetId","value":"i"}]`, "b", 200},
		{`[{"id":"outputAssetId","value":"o"}]`, "a", 200},
		{`[{"id":"projectId","value":"` + ProjectID + `"}]`, "c", 200},
		{`[{"id":"type","value":null}]`, "", 200},
		{`[{"id":"updatedAt","value":"soon"}]`, "Internal server error: error", 500},
		{`[{"id":"updatedAt","value":{"gte":true}}]`, "Internal server error: error", 500},
		{`[{"id":"updatedAt","value":{"eq":1}}]`, `error parsing filters: Error: unknown comparison: "eq"`, 400},
		{`[{"id":"updatedAt","value":{"=":1}}]`, `error parsing filters: Error: unknown comparison: "="`, 400},
		{`[{"id":"phase","value":"running"}]`, `error parsing filters: Error: unknown field: "phase"`, 400},
		{`[{"id":"type"}]`, `error parsing filters: Error: missing filter value for id "type"`, 400},
		{`{}`, `error parsing filters: Error: must be an array`, 400},
		{`[1]`, `error parsing filters: TypeError: Cannot use 'in' operator to search for 'value' in 1`, 400},
		{`[`, `error parsing filters: SyntaxError: Unexpected end of JSON input`, 400},
		{`[] x`, `error parsing filters: SyntaxError: Unexpected token 'x', "[] x" is not valid JSON`, 400},
		{`%zz`, `error parsing filters: URIError: URI malformed`, 400},
	} {
		for _, escaped := range []string{url.QueryEscape(tc.filters), url.QueryEscape(url.PathEscape(tc.filters))} {
			w := do(t, s, "/api/task?filters="+escaped)
			got := ids(t, w.Body.Bytes())
			if w.Code >= 400 {
				got = errorOf(t, w.Body.Bytes())
			}
			if tc.filters == "%zz" && escaped == "%2525zz" {
				continue // encoded twice, this is one more thing that is not JSON
			}
			if w.Code != tc.status || got != tc.want {
				t.Errorf("%s: %d %q, want %d %q", tc.filters, w.Code, got, tc.status, tc.want)
			}
		}
	}
}

func TestPaging(t *testing.T) {
	s := NewServer()
	for i := range 1005 {
		s.Put(Task{"id": fmt.Sprintf("t%04d", i), "createdAt": i, "status": obj{"updatedAt": i}})
	}
	for _, tc := range []struct {
		query  string
		status int
		n      int
		first  string
		cursor string // of the Link
		total  string
	}{
		{"", 200, 20, "t1004", "skip20", ""},
		{"limit=7&count=true", 200, 7, "t1004", "skip7", "1005"},
		{"limit=5000", 200, 1000, "t1004", "skip1000", ""},
		{"limit=99999999999999999999", 200, 1000, "t1004", "skip1000", ""},
		{"limit=nonsense", 200, 20, "t1004", "skip20", ""},
		{"limit=0", 200, 20, "t1004", "skip20", ""},
		{"limit=-3", 200, 20, "t1004", "skip20", ""},
		{"limit=3x", 200, 3, "t1004", "skip3", ""},
		{"limit=1000&cursor=skip1000", 200, 5, "t0004", "undefined", ""},
		{"limit=5&cursor=skip1000", 200, 5, "t0004", "skip1005", ""}, // a full last page does not know that it is the last
		{"limit=5&cursor=skip1005&count=true", 200, 0, "", "", ""},
		{"cursor=undefined", 200, 0, "", "", ""},
		{"order=id-false&limit=2&cursor=t0009&count=1", 200, 2, "t0010", "skip2", "995"},
		{"order=id-false&limit=1000&cursor=t1001", 200, 3, "t1002", "undefined", ""},
		{"order=id-true", 200, 20, "t1004", "skip20", ""},
		{"order=nothing-true", 200, 20, "t0000", "skip20", ""},
		{"order=updatedAt-false,nothing-true", 200, 20, "t0000", "skip20", ""},
		{"cursor=skipx", 500, 0, "", "", ""},
		{"cursor=skip-1", 500, 0, "", "", ""},
	} {
		w := do(t, s, "/api/task?"+tc.query)
		got := strings.Fields(ids(t, w.Body.Bytes()))
		link := w.Header().Get("Link")
		if w.Code != tc.status || len(got) != tc.n || (tc.n > 0 && got[0] != tc.first) || w.Header().Get("X-Total-Count") != tc.total {
			t.Errorf("%q: %d, %d tasks, total %q; want %+v", tc.query, w.Code, len(got), w.Header().Get("X-Total-Count"), tc)
		}
		if (tc.cursor == "") != (link == "") || (link != "" && !strings.Contains(link, "cursor="+tc.cursor)) {
			t.Errorf("%q: Link %q, want cursor %q", tc.query, link, tc.cursor)
		}
	}
}

func TestNextLink(t *testing.T) {
	for in, want := range map[string]string{
		"/api/task":                        "<http://h:1/api/task?cursor=skip5>; rel=\"next\"",
		"/api/task?cursor=a&limit=5":       "<http://h:1/api/task?cursor=skip5&limit=5>; rel=\"next\"",
		"/api/task?cursor=a&x=%7E*&cursor": "<http://h:1/api/task?cursor=skip5&x=%7E*>; rel=\"next\"",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := nextLink("h:1", u, "skip5"); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if got := nextLink("h:80", &url.URL{Path: "/api/task"}, "skip5"); !strings.HasPrefix(got, "<http://h/api") {
		t.Errorf("the port that goes without saying: %s", got)
	}
}

// Whatever the indexes make of a query, the answer is what sorting and filtering everything gives.
func TestFindAgreesWithPlainSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewServer()
		n := rapid.IntRange(0, 60).Draw(t, "n")
		for i := range n {
			task := Task{"id": fmt.Sprintf("%02d", i), "createdAt": rapid.IntRange(0, 3).Draw(t, "created"), "type": "upload"}
			if ms := rapid.IntRange(-1, 8).Draw(t, "updated"); ms >= 0 {
				task["status"] = obj{"updatedAt": ms}
			}
			s.Put(task)
		}
		field := rapid.SampledFrom([]string{"id", "updatedAt", "createdAt", "type"})
		// The default order is the one that an index serves.
		usual := rapid.SampledFrom([]string{"", "updatedAt-true,createdAt-true,"}).Draw(t, "usual")
		order := usual + "id-" + strconv.FormatBool(rapid.Bool().Draw(t, "idDesc")) // last: no ties, one right answer
		for range rapid.IntRange(0, 3).Draw(t, "terms") {
			order = fmt.Sprintf("%s-%t,%s", field.Draw(t, "field"), rapid.Bool().Draw(t, "desc"), order)
		}
		values := url.Values{"order": {order}, "limit": {strconv.Itoa(rapid.IntRange(1, 70).Draw(t, "limit"))}}
		values.Set("cursor", rapid.SampledFrom([]string{"", "skip3", "skip50", "07", "10x"}).Draw(t, "cursor"))
		if op := rapid.SampledFrom([]string{"", "gt", "gte", "lt", "lte"}).Draw(t, "op"); op != "" {
			values.Set("filters", fmt.Sprintf(`[{"id":"updatedAt","value":{%q:%d}}]`, op, rapid.IntRange(-1, 9).Draw(t, "bound")))
		}
		if rapid.Bool().Draw(t, "count") {
			values.Set("count", "true")
		}
		q, err := parseQuery(values)
		if err != nil {
			t.Fatal(err)
		}
		var want []*entry
		for _, e := range s.store.now.rows {
			if s.store.now.matches(&q, e) {
				want = append(want, e)
			}
		}
		slices.SortFunc(want, func(a, b *entry) int { return cmp.Or(s.store.now.compare(&q, a, b), s.store.now.compareID(a, b)) })
		got := s.store.now.find(&q, (*entry).own, false)
		if q.count && got.total != len(want) {
			t.Fatalf("%v: counted %d, want %d", values, got.total, len(want))
		}
		want = want[min(q.skip, len(want)):min(q.skip+q.limit, len(want))]
		if !slices.Equal(got.entries, want) {
			t.Fatalf("%v: %s, want %s", values, names(got.entries), names(want))
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("order=id-false&cursor=a&limit=5&count=true")
	f.Add("filters=" + url.QueryEscape(`[{"id":"updatedAt","value":{"gte":1,"lt":"2"}}]`))
	f.Add("filters=%5B%7B%7D%2C1%5D&cursor=skip-5")
	s := NewServer()
	s.Populate(30, 1)
	f.Fuzz(func(t *testing.T, query string) {
		u := &url.URL{Path: "/api/task", RawQuery: query}
		w := do(t, s, "/api/task?"+u.Query().Encode())
		if !slices.Contains([]int{200, 400, 431, 500}, w.Code) {
			t.Fatalf("%d", w.Code)
		}
		var list []json.RawMessage
		if err := json.Unmarshal(w.Body.Bytes(), &list); w.Code == http.StatusOK && (err != nil || len(list) > 30) {
			t.Fatalf("%d tasks, %v", len(list), err)
		}
	})
}

// ids joins the ids of a list with spaces; "" if it is none.
func ids(t *testing.T, body []byte) string {
	t.Helper()
	var list []struct{ ID string }
	_ = json.Unmarshal(body, &list)
	out := make([]string, 0, len(list))
	for _, item := range list {
		out = append(out, item.ID)
	}
	return strings.Join(out, " ")
}

func errorOf(t *testing.T, body []byte) string {
	t.Helper()
	var e struct{ Errors []string }
	if err := json.Unmarshal(body, &e); err != nil || len(e.Errors) != 1 {
		t.Fatalf("no error: %s", body)
	}
	return e.Errors[0]
}

func names(list []*entry) string {
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, e.id)
	}
	return strings.Join(out, " ")
}

func parsed(t testing.TB, rawQuery string) query {
	t.Helper()
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		t.Fatal(err)
	}
	q, err := parseQuery(values)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
