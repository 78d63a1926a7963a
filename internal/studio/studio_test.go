// SPDX-License-Identifier: Apache-2.0

// One goroutine at a time: the race detector would make it ten times as slow, and find nothing. make test runs it without.

//go:build !race

package studio_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
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
			server := livepeertest.NewServer()
			server.Populate(2500, 1)
			if tt.fault != nil {
				server.Fault(tt.fault)
			}
			srv := httptest.NewServer(server)
			defer srv.Close()
			client, err := studio.New(studio.Config{BaseURL: srv.URL + "/api", Key: studio.NewKey(livepeertest.APIKey)})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()

			var ids []string
			pass := client.NewPass(studio.Query{})
			for n := 0; !pass.Done(); n++ {
				if n > tt.requests {
					t.Fatalf("more than %d requests", tt.requests)
				}
				if err := pass.Next(t.Context(), func(task studio.Task) bool {
					ids = append(ids, task.ID)
					return true
				}); err != nil {
					t.Fatal(err)
				}
			}
			slices.Sort(ids)
			if !slices.Equal(ids, server.IDs()) {
				t.Errorf("listed %d tasks, want each of %d once", len(ids), server.Len())
			}
			if n := len(server.Requests()); n > tt.requests {
				t.Errorf("%d requests, want at most %d", n, tt.requests)
			}
		})
	}
}
