// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
)

// line is a way to the API server that can be cut.
type line struct {
	url   string
	mu    sync.Mutex
	open  []net.Conn
	taken int
}

func (w *world) line() *line {
	w.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	w.Expect(err).NotTo(HaveOccurred())
	server, err := url.Parse(config.Host)
	w.Expect(err).NotTo(HaveOccurred(), config.Host)
	listener, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	w.Expect(err).NotTo(HaveOccurred())
	l := &line{url: "https://" + listener.Addr().String()}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil { // the end of the test
				return
			}
			far, err := (&net.Dialer{}).DialContext(w.t.Context(), "tcp", server.Host)
			if err != nil {
				near.Close()
				continue
			}
			l.mu.Lock()
			l.open, l.taken = append(l.open, near, far), l.taken+1
			l.mu.Unlock()
			go func() { _, _ = io.Copy(near, far) }()
			go func() { _, _ = io.Copy(far, near) }()
		}
	}()
	w.t.Cleanup(func() {
		listener.Close()
		l.cut()
	})
	return l
}

// cut closes every connection.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, connection := range l.open {
		connection.Close()
	}
	l.open = nil
}

// connections is how many there have been.
func (l *line) connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken
}

// TestWhyAWatchBrokeIsToldOnce: it is tried again every few seconds.
func TestWhyAWatchBrokeIsToldOnce(t *testing.T) {
	g := NewWithT(t)
	told := &buffer{}
	tell := (&env{IOStreams: genericiooptions.IOStreams{ErrOut: told}}).tellBroken()
	for _, why := range []string{"no \x1b[2Janswer", "no \x1b[2Janswer", "forbidden"} {
		tell(errors.New(why))
	}
	const broke = "The watch broke, and is tried again: "
	g.Expect(told.String()).To(Equal(broke + "no answer\n" + broke + "forbidden\n"))
}

func TestABrokenWatchGoesOn(t *testing.T) {
	w := newWorld(t)
	task := w.task("works", "clip", "running")
	line := w.line()
	watch := w.start([]string{"watch", "--server", line.url})
	waits := w.start([]string{"wait", "works", "--server", line.url})
	w.Eventually(watch.out.String, soon).Should(ContainSubstring("works clip running"), watch.err.String)
	before := line.connections()
	line.cut()
	w.Eventually(line.connections, soon).Should(BeNumerically(">", before))
	w.becomes(task, "completed", 100)
	w.Eventually(watch.out.String, soon).Should(ContainSubstring("works clip completed 100%"))
	w.ends(waits, 0)
	watch.stop()
	w.ends(watch, 0)
}
