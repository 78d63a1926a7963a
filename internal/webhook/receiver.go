// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/livepeer/livepeer-task-operator/internal/connections"
)

const (
	// maxBody bounds a delivery. One is about 5 KB; Studio's largest tasks stay far below.
	maxBody        = 1 << 20
	maxHeaderBytes = 8 << 10 // net/http takes 4 KiB more
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 15 * time.Second
	idleTimeout    = time.Minute
	stopTimeout    = 3 * time.Second
	// maxConnections bounds the open connections, and so the cost of slow senders.
	maxConnections = 512
	// DefaultConnections bounds those of one address.
	DefaultConnections = 32
)

// Source names a LivepeerTaskSource.
type Source struct {
	Namespace, Name string
}

// Path is where the deliveries for a source are received.
func (s Source) Path() string { return pathPrefix + s.Namespace + "/" + s.Name }

// Notification says that a task of a source has changed.
type Notification struct {
	Source Source
	TaskID string
	// UpdatedAt is when the task changed, in milliseconds since 1970, by Studio's clock; 0 where that is not known.
	UpdatedAt int64
	// Received is when the delivery came.
	Received time.Time
}

// Sources is the receiver's interface to the sources; package backend implements it.
type Sources interface {
	// Ready reports whether this process follows the sources, and knows which there are.
	Ready() bool
	// Complete reports whether Secret knows all of them by now. Until then, no delivery may get a 4xx for its signature.
	Complete() bool
	// Secret returns the secret that a source shares with Studio. It must take the same time for any source.
	Secret(source Source) (secret []byte, ok bool)
	// Notify takes in a notification, or returns why it can't for now.
	Notify(notification Notification) error
	// Stale takes in a genuine delivery that was signed too long ago; a negative age: too far in the future.
	Stale(source Source, age time.Duration)
}

// Election says who follows the sources. A nil one means that this process does.
type Election interface {
	// Leading reports whether this process does.
	Leading() bool
	// Leader returns the address of the leader's receiver, if that is another process, and the key that only it and this process
	// know; ok is false if they are not known.
	Leader() (address netip.AddrPort, key []byte, ok bool)
	// Name returns the name by which other processes know this one.
	Name() string
	// Key returns the key that only this process and the one of that name know.
	Key(name string) (key []byte, ok bool)
}

// Config is what a Receiver is made of.
type Config struct {
	// Address to listen on, such as :9292.
	Address string
	// Certificate returns the certificate to serve with, as of now; nil means plain HTTP.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Connections bounds the open connections of one address; 0 means DefaultConnections.
	Connections int
	Election    Election
	Sources     Sources
	Metrics     prometheus.Registerer
	// Log logs errors of connections.
	Log *log.Logger
}

func (c *Config) connections() int {
	if c.Connections == 0 {
		return DefaultConnections
	}
	return c.Connections
}

// Receiver is the HTTP server.
type Receiver struct {
	config  Config
	handler *handler
	server  *http.Server
}

// New makes a receiver, which listens once it is started.
func New(config Config) (*Receiver, error) {
	counter, err := newCounter(config.Metrics)
	if err != nil {
		return nil, fmt.Errorf("metrics of the receiver: %w", err)
	}
	handler := newHandler(&config, counter)
	return &Receiver{config: config, handler: handler, server: &http.Server{
		Handler: handler, ErrorLog: config.Log, MaxHeaderBytes: maxHeaderBytes, ConnContext: connections.Context,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}}, nil
}

// NeedLeaderElection is false: every replica receives.
func (*Receiver) NeedLeaderElection() bool { return false }

// Start listens and answers until ctx ends.
func (r *Receiver) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", r.config.Address)
	if err != nil {
		return fmt.Errorf("receiver of webhooks: %w", err)
	}
	listener = connections.Bound(listener, maxConnections, r.config.connections())
	ended := make(chan error, 1)
	go func() {
		if r.config.Certificate == nil {
			ended <- r.server.Serve(listener)
			return
		}
		// HTTP/1.1 only: HTTP/2 has let clients exhaust servers (CVE-2023-44487, CVE-2023-39325), and gains nothing here.
		ended <- r.server.Serve(tls.NewListener(listener, &tls.Config{
			GetCertificate: r.config.Certificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		}))
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("receiver of webhooks: %w", err)
	case <-ctx.Done():
	}
	r.handler.stopping.Store(true)
	stopped, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := r.server.Shutdown(stopped); errors.Is(err, context.DeadlineExceeded) {
		return r.server.Close()
	}
	return nil
}
