// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	// Enough that some are always under way, and some failed ones are tried again soon.
	studioTasks = 300
	studioSeed  = 1
	// So fast that a task's whole life fits into a short demonstration.
	studioSpeed = 5
)

// account is what a source has to know.
type account struct {
	url, key string
	// webhookSecret is shared with Studio's webhook; empty: it has none.
	webhookSecret string
}

// studio is a simulated Studio on loopback whose tasks live.
type studio struct {
	account account
	server  *livepeertest.Server
	web     *httptest.Server
	cancel  context.CancelFunc
	ended   chan struct{}
}

func startStudio() *studio {
	server := livepeertest.NewServer()
	server.Populate(studioTasks, studioSeed)
	web := httptest.NewServer(server)
	ctx, cancel := context.WithCancel(context.Background())
	s := &studio{
		account: account{url: web.URL + "/api", key: livepeertest.APIKey, webhookSecret: rand.Text()},
		server:  server, web: web, cancel: cancel, ended: make(chan struct{}),
	}
	go s.live(ctx)
	return s
}

func (s *studio) live(ctx context.Context) {
	defer close(s.ended)
	simulator := livepeertest.NewSimulator(s.server, studioSeed, studioSpeed)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			simulator.Step(now)
		}
	}
}

func (s *studio) stop() {
	s.cancel()
	<-s.ended
	s.server.Close()
	s.web.Close()
}
