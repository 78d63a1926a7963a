// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestRedirect(t *testing.T) {
	s, url := served(t, 3)
	asked := ""
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.Path }))
	t.Cleanup(elsewhere.Close)
	s.Fault(Always(Redirect(elsewhere.URL + "/login")))
	if status, _, body, err := fetch(t.Context(), t, url, "/api/task"); status != 200 || body != "" || err != nil || asked != "/login" {
		t.Errorf("%d %q %v, asked for %q", status, body, err, asked)
	}
}

func TestLarge(t *testing.T) {
	s, url := served(t, 3)
	s.Fault(OnLists(Large(3, 100_000, func(n int, padding []byte) []byte {
		return fmt.Appendf(nil, `{"id":"large-%d","name":"%s"}`, n, padding)
	})))
	_, header, body, err := fetch(t.Context(), t, url, "/api/task")
	var list []map[string]string
	if err != nil || json.Unmarshal([]byte(body), &list) != nil || header.Get("Content-Length") != "" {
		t.Fatalf("%v, %v, %.40q", err, header, body)
	}
	if len(list) != 3 || list[2]["id"] != "large-2" || len(list[2]["name"]) != 100_000 {
		t.Errorf("%d elements", len(list))
	}
	if status, _, _, err := fetch(t.Context(), t, url, "/api/task/none"); status != 404 || err != nil {
		t.Errorf("one task: %d %v", status, err)
	}
	s.Fault(Always(Fault{Stream: Large(1, 1, nil).Stream}))
	s.RemoveKey(APIKey)
	if status, _, _, err := fetch(t.Context(), t, url, "/api/task"); status != 401 || err != nil {
		t.Errorf("a refusal: %d %v", status, err)
	}
}
