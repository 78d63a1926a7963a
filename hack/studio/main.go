// SPDX-License-Identifier: Apache-2.0

// Command studio serves a simulated Livepeer Studio whose tasks live believable lives, for demonstrations and for
// trying the operator without an account.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

type options struct {
	listen string
	tasks  int
	key    string
	seed   uint64
	speed  float64
	ahead  time.Duration // how far its clock is ahead of the real time; below 0: behind
	cert   string        // with its key: serve over TLS
	tlsKey string
	// webhook is where changes are told; empty: nowhere.
	webhook, webhookSecret string
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:9797", "address to serve on; port 0 picks a free one")
	flag.IntVar(&o.tasks, "tasks", 200, "number of tasks to start with")
	flag.StringVar(&o.key, "key", livepeertest.APIKey, "API key to accept")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of everything made up")
	flag.Float64Var(&o.speed, "speed", 1, "how much faster than life things happen")
	flag.DurationVar(&o.ahead, "clock-ahead", 0, "how far its clock is ahead of this machine's, such as 10m, or behind it, such as -10m")
	flag.StringVar(&o.cert, "tls-cert", "", "file of a certificate, to serve over TLS")
	flag.StringVar(&o.tlsKey, "tls-key", "", "file of its key")
	flag.StringVar(&o.webhook, "webhook", "", "URL to tell of changes of tasks, such as http://127.0.0.1:9292/hooks/NAMESPACE/SOURCE")
	flag.Parse()
	// Not a flag: everybody on the machine can read those.
	o.webhookSecret = os.Getenv("WEBHOOK_SECRET")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := serve(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "studio:", err)
		os.Exit(1)
	}
}

// serve runs until ctx ends, telling out where it is and what happens.
func serve(ctx context.Context, o options, out io.Writer) error {
	if o.speed <= 0 || o.tasks < 0 {
		return errors.New("--speed must be above 0, and --tasks must not be negative")
	}
	studio := livepeertest.NewServer(livepeertest.WithClock(func() time.Time { return time.Now().Add(o.ahead) }))
	studio.AddKey(o.key, livepeertest.ProjectID)
	if o.key != livepeertest.APIKey {
		studio.RemoveKey(livepeertest.APIKey)
	}
	studio.Populate(o.tasks, o.seed)
	defer studio.Close()
	if o.webhook != "" {
		studio.AddWebhook(livepeertest.Webhook{URL: o.webhook, Secret: o.webhookSecret, Speed: o.speed})
	}

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           studio,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Second, // the real server's
	}
	failed := make(chan error, 1)
	scheme := "http"
	if o.cert != "" {
		scheme = "https"
		go func() { failed <- server.ServeTLS(listener, o.cert, o.tlsKey) }()
	} else {
		go func() { failed <- server.Serve(listener) }()
	}

	url := scheme + "://" + listener.Addr().String() + "/api"
	fmt.Fprintf(out, "Simulated Livepeer Studio with %d tasks.\nURL: %s\nKey: %s\n"+
		"Try: curl -sH 'Authorization: Bearer %s' '%s/task?limit=1'\n",
		studio.Len(), url, o.key, o.key, url)
	live(ctx, studio, o, out, failed)

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// live moves the tasks, and tells how, until ctx ends or the server fails, whose error it puts back.
func live(ctx context.Context, studio *livepeertest.Server, o options, out io.Writer, failed chan error) {
	simulator := livepeertest.NewSimulator(studio, o.seed, o.speed)
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	troubles := &troubles{studio: studio}
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-failed:
			failed <- err
			return
		case now := <-ticker.C:
			now = now.Add(o.ahead)
			for _, c := range simulator.Step(now) {
				fmt.Fprintf(out, "%s %-14s %s %s\n", now.Format(time.TimeOnly), c.Type, c.ID, c.What)
			}
			troubles.tell(out, now)
		}
	}
}
