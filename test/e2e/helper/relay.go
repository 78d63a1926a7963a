// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// relay carries connections to the API server. While it is cut it carries nothing, in neither direction, and closes
// nothing: as a network does whose cable is pulled.
type relay struct {
	upstream string

	mu   sync.Mutex
	open chan struct{} // closed while bytes may pass
}

// serveRelay relays from listen to the API server that the pod's environment names, and obeys on control.
func serveRelay(ctx context.Context, listen, control string) error {
	r := &relay{
		upstream: net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")),
		open:     make(chan struct{}),
	}
	r.mend()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /cut", func(http.ResponseWriter, *http.Request) { r.cut() })
	mux.HandleFunc("POST /mend", func(http.ResponseWriter, *http.Request) { r.mend() })
	mux.HandleFunc("POST /signal/{name}", func(w http.ResponseWriter, req *http.Request) {
		if err := signalManager(req.PathValue("name")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	server := &http.Server{Addr: control, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = errors.Join(listener.Close(), server.Close()) }) // the process ends anyway
	go r.accept(ctx, listener)
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.open:
		r.open = make(chan struct{})
	default:
	}
}

func (r *relay) mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.open:
	default:
		close(r.open)
	}
}

// passable waits until bytes may pass.
func (r *relay) passable(ctx context.Context) error {
	r.mu.Lock()
	open := r.open
	r.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *relay) accept(ctx context.Context, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go r.carry(ctx, conn)
	}
}

func (r *relay) carry(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }() // it may be closed already
	if r.passable(ctx) != nil {
		return
	}
	server, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", r.upstream)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }() // likewise
	done := make(chan struct{}, 2)
	for _, way := range []struct{ to, from net.Conn }{{server, client}, {client, server}} {
		go func() {
			r.pump(ctx, way.to, way.from)
			done <- struct{}{}
		}()
	}
	<-done // one end is closed: so is the other
}

func (r *relay) pump(ctx context.Context, to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if r.passable(ctx) != nil {
			return
		}
		if _, failed := to.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}
