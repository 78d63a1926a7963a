// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const hangingNamespace = "hanging"

// silentServer accepts connections, and never says anything.
type silentServer struct {
	listener net.Listener
	group    sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	ended bool
}

func startSilentServer(ctx context.Context) (*silentServer, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &silentServer{listener: listener}
	s.group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.keep(conn)
		}
	})
	return s, nil
}

// keep reads what a connection says until it ends.
func (s *silentServer) keep(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		_ = conn.Close()
		return
	}
	s.conns = append(s.conns, conn)
	s.group.Go(func() {
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	})
}

func (s *silentServer) stop() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.ended = true
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.group.Wait()
}

// moveIn gives a tenant so many sources in one namespace whose API never answers. All rounds are played beside them: they must keep
// nobody else from being exact in time.
func (w *world) moveIn(ctx context.Context, sources int) (err error) {
	if w.silent, err = startSilentServer(ctx); err != nil {
		return err
	}
	spec := map[string]any{
		"url":      "http://" + w.silent.listener.Addr().String() + "/api",
		"interval": interval, "resyncInterval": resyncInterval, "timeout": "10m",
	}
	objects := testbed.Account(hangingNamespace, map[string]any{"apiKey": livepeertest.APIKey}, spec)
	first := objects[len(objects)-1]
	for n := range sources - 1 {
		source := first.DeepCopy()
		source.SetName(fmt.Sprintf("hanging-%d", n))
		objects = append(objects, source)
	}
	return w.bed.Plane.Apply(ctx, objects...)
}
