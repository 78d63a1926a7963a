// SPDX-License-Identifier: Apache-2.0

package livepeer_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/livepeer"
	"github.com/livepeer/livepeer-task-operator/internal/livepeer/livepeertest"
)

// The simulated Studio answers as the real server software was recorded to do.
func TestSimulatedStudioIsListedWholly(t *testing.T) {
	for name, tt := range map[string]struct {
		fault    func(*http.Request) livepeertest.Fault
		requests int
	}{
		"as it is":                  {nil, 4},
		"offsets only":              {livepeertest.OnLists(livepeertest.OffsetOnly()), 5},
		"nothing but one array":     {livepeertest.OnLists(livepeertest.IgnoreQuery()), 2},
		"Link that denies the rest": {livepeertest.OnLists(livepeertest.LinkCursor("undefined")), 4},
		"Link that never ends":      {livepeertest.OnLists(livepeertest.LinkAlways()), 4},
		"pages of 20":               {livepeertest.OnLists(livepeertest.IgnoreLimit()), 127},
	} {
		t.Run(name, func(t *testing.T) {
			studio := livepeertest.NewServer()
			studio.Populate(2500, 1)
			if tt.fault != nil {
				studio.Fault(tt.fault)
			}
			srv := httptest.NewServer(studio)
			defer srv.Close()
			client, err := livepeer.New(livepeer.Config{BaseURL: srv.URL + "/api", Key: livepeer.NewKey(livepeertest.APIKey)})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()

			var ids []string
			pass := client.NewPass(livepeer.Query{})
			for n := 0; !pass.Done(); n++ {
				if n > tt.requests {
					t.Fatalf("more than %d requests", tt.requests)
				}
				if err := pass.Next(t.Context(), func(task livepeer.Task) bool {
					ids = append(ids, task.ID)
					return true
				}); err != nil {
					t.Fatal(err)
				}
			}
			slices.Sort(ids)
			if !slices.Equal(ids, studio.IDs()) {
				t.Errorf("listed %d tasks, want each of %d once", len(ids), studio.Len())
			}
			if n := len(studio.Requests()); n > tt.requests {
				t.Errorf("%d requests, want at most %d", n, tt.requests)
			}
		})
	}
}
