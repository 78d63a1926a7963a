// SPDX-License-Identifier: Apache-2.0

package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// counted is a value that counts how often it is encoded.
type counted struct{ times *int }

func (c counted) MarshalJSON() ([]byte, error) {
	*c.times++
	return []byte(`"seen"`), nil
}

// A logger's values are in each of its lines, and cost nothing where it logs none.
func TestValuesOfALoggerAreEncodedWhenItLogs(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	times := 0
	logger := New(&zap.Options{}, &out).WithName("a").WithValues("first", counted{&times}).WithValues("second", 2)
	logger.V(1).Info("not logged")
	g.Expect(times).To(BeZero())

	for _, say := range []func(logr.Logger){
		func(l logr.Logger) { l.Info("one", "third", 3) },
		func(l logr.Logger) { l.Info("two", "third", 3) },
	} {
		out.Reset()
		say(logger)
		line := map[string]any{}
		g.Expect(json.Unmarshal(out.Bytes(), &line)).To(Succeed(), out.String())
		g.Expect(line).To(And(HaveKeyWithValue("first", "seen"), HaveKeyWithValue("second", 2.0), HaveKeyWithValue("third", 3.0),
			HaveKeyWithValue("logger", "a")))
	}
	g.Expect(times).To(Equal(1))
}

// Of what somebody has to act on, the message says what to do. Where in the operator it was written down helps nobody.
func TestErrorsHaveNoStack(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	New(&zap.Options{}, &out).Error(errors.New("broken"), "Not ready")
	g.Expect(out.String()).To(And(ContainSubstring(`"error":"broken"`), Not(ContainSubstring("stacktrace"))))

	out.Reset()
	New(&zap.Options{}, &out).Info("a\u009b\u202eb")
	g.Expect(out.String()).To(ContainSubstring("a  b"), "no terminal obeys a log")

	New(&zap.Options{StacktraceLevel: zapcore.ErrorLevel}, &out).Error(nil, "Not ready")
	g.Expect(out.String()).To(ContainSubstring("stacktrace"), "who asks for it gets it")
}

// What a flag says is its default is what holds where it is not set; and it says so in our words, for the library has other defaults.
func TestFlagsTellTheirDefaults(t *testing.T) {
	said := func(options *zap.Options) string {
		var out bytes.Buffer
		logger := New(options, &out)
		logger.V(1).Info("for developers")
		logger.Info("for everybody")
		logger.Error(errors.New("broken"), "Not ready")
		return regexp.MustCompile(`\d`).ReplaceAllString(out.String(), "0") // the time
	}
	theirs := flag.NewFlagSet("theirs", flag.ContinueOnError)
	(&zap.Options{}).BindFlags(theirs)
	theirs.VisitAll(func(of *flag.Flag) {
		g, options, flags := NewWithT(t), &zap.Options{}, flag.NewFlagSet("ours", flag.ContinueOnError)
		Bind(options, flags)
		ours := flags.Lookup(of.Name)
		g.Expect(ours.Usage).NotTo(Equal(of.Usage), of.Name)
		g.Expect(flags.Set(of.Name, ours.DefValue)).To(Succeed(), of.Name)
		g.Expect(said(options)).To(Equal(said(&zap.Options{})), of.Name)
	})
}

// Kubernetes' client logs by klog, whose lines are no JSON by themselves.
func TestEveryLineHasTheSameForm(t *testing.T) {
	g := NewWithT(t)
	t.Cleanup(klog.ClearLogger)
	var out bytes.Buffer
	Use(New(&zap.Options{}, &out))
	klog.ErrorS(errors.New("no answer"), "Failed to watch", "type", "LivepeerTask")
	klog.V(1).InfoS("not logged")
	line := map[string]any{}
	g.Expect(json.Unmarshal(out.Bytes(), &line)).To(Succeed(), out.String())
	g.Expect(line).To(And(HaveKeyWithValue("level", "error"), HaveKeyWithValue("msg", "Failed to watch"), HaveKeyWithValue("error", "no answer")))
}

// What a server sends that nobody has asked for, net/http quotes in the log: a task, or the key that it was sent.
func TestWhatAServerSendsUnaskedIsNotLogged(t *testing.T) {
	g := NewWithT(t)
	t.Cleanup(klog.ClearLogger)
	out := &guarded{}
	Use(New(&zap.Options{Level: zapcore.DebugLevel}, out))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, stream, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]no \"token\" %s found", r.Header.Get("Authorization"))
		_ = stream.Flush()
		_, _ = stream.ReadByte() // until the other end is gone
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Authorization", "Bearer 09f8b46c-61a0-4254-9875-f71f4c605bc7")
	response, err := server.Client().Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	_, _ = io.Copy(io.Discard, response.Body)
	g.Expect(response.Body.Close()).To(Succeed())
	g.Eventually(out.String, "5s").Should(ContainSubstring("Unsolicited response"))
	g.Expect(out.String()).NotTo(ContainSubstring("09f8b46c"))
	line := map[string]any{}
	g.Expect(json.Unmarshal([]byte(out.String()), &line)).To(Succeed(), out.String())
	g.Expect(line).To(And(HaveKeyWithValue("logger", "go"), HaveKeyWithValue("level", "debug")))

	log.Printf("http: proxy error: sent Authorization: Bearer %s", "0a1b2c3d4e5f6a7b8c9d")
	g.Expect(out.String()).To(And(ContainSubstring("proxy error"), Not(ContainSubstring("0a1b2c3d"))))
	log.Printf("http: panic serving %s: %v", "10.0.0.1:1", "odd")
	g.Expect(out.String()).To(ContainSubstring(`"level":"error"`))
}

// guarded is a buffer that is written to while it is read.
type guarded struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (g *guarded) Write(text []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all.Write(text)
}

func (g *guarded) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all.String()
}
