// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/testbed"
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

// studio is a simulated Studio whose tasks live.
type studio struct {
	*testbed.Studio
	account account
}

func startStudio() *studio {
	server := livepeertest.NewServer()
	server.Populate(studioTasks, studioSeed)
	simulator := livepeertest.NewSimulator(server, studioSeed, studioSpeed)
	s := testbed.StartStudio(server, func(ctx context.Context) { live(ctx, simulator) })
	return &studio{Studio: s, account: account{url: s.URL, key: livepeertest.APIKey, webhookSecret: rand.Text()}}
}

// live lets happen what is due, until ctx ends.
func live(ctx context.Context, simulator *livepeertest.Simulator) {
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
