// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"net/http/httptest"

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// Studio is a simulated Studio on loopback.
type Studio struct {
	Server *livepeertest.Server
	// URL is that of the API, as a source has it.
	URL string

	web    *httptest.Server
	cancel context.CancelFunc
	ended  chan struct{}
}

// StartStudio serves what the caller has filled. live changes it until its context ends; nil: nothing does.
func StartStudio(server *livepeertest.Server, live func(context.Context)) *Studio {
	ctx, cancel := context.WithCancel(context.Background())
	web := httptest.NewServer(server)
	s := &Studio{Server: server, URL: web.URL + "/api", web: web, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		if live != nil {
			live(ctx)
		}
	}()
	return s
}

// Stop ends all changes, all webhooks and all connections.
func (s *Studio) Stop() {
	s.cancel()
	<-s.ended
	s.Server.Close()
	s.web.CloseClientConnections()
	s.web.Close()
}
