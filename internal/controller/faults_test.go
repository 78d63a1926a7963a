// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	// window is how long requests are counted.
	window = 2 * time.Second
	// prompt bounds how long it takes to recover: the longest pause after a fault of some seconds, and a busy machine.
	prompt = 45 * time.Second
)

// fault is trouble with Studio.
type fault struct {
	// answers is what Studio does wrong.
	answers func(*http.Request) livepeertest.Fault
	// harm and mend do what is not an answer.
	harm, mend func(w *world)
	timeout    time.Duration
	// What the condition says.
	reason, message string
	// uncounted: Studio does not see the requests.
	uncounted bool
}

var always = livepeertest.Always

// TestFaultsWhileTasksChange: whatever goes wrong at Studio, while its tasks go on to change: nothing is deleted or there
// twice, Studio is asked no more than in good times, the condition names the trouble without the key, and once it is
// over the mirror soon equals Studio.
func TestFaultsWhileTasksChange(t *testing.T) {
	t.Parallel()
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.prove(t)
		})
	}
}

func (f *fault) prove(t *testing.T) {
	t.Helper()
	w := mirroring(t, 40, func(spec *v1alpha1.LivepeerTaskSourceSpec) {
		if f.timeout > 0 {
			spec.Timeout.Duration = f.timeout
		}
	})
	deleted := w.deletions()
	stop := w.churn()
	healthy := w.requestsIn(window)

	harmed := time.Now()
	w.studio.Fault(f.answers)
	if f.harm != nil {
		f.harm(w)
	}
	w.annotate("main", v1alpha1.AnnotationRequestedAt, "list everything, too")
	ready := w.eventuallyReady("main", f.reason)
	w.Eventually(func() string { // on a busy machine, that there was no answer for some intervals comes first
		ready = w.eventuallyReady("main", f.reason)
		return ready.Message
	}, soon, tick).Should(ContainSubstring(f.message))
	w.Expect(ready.Status).To(Equal(metav1.ConditionFalse))
	w.Expect(ready.Message).NotTo(ContainSubstring(livepeertest.APIKey))
	counted := time.Now()
	if failing := w.requestsIn(window); !f.uncounted {
		polls := int(time.Since(counted).Seconds()) // that there could have been: a busy machine counts for longer
		w.Expect(failing).To(BeNumerically("<=", max(healthy, polls)+2), "healthy: %d requests", healthy)
	}
	w.Expect(deleted()).To(BeEmpty())

	w.studio.Fault(nil)
	if f.mend != nil {
		f.mend(w)
	}
	began := time.Now()
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	// A pause is at most as long as what came before it: where a busy machine makes the fault longer, the pause is as well.
	w.Expect(time.Since(began)).To(BeNumerically("<", prompt+began.Sub(harmed)))
	stop()
	w.eventuallyEqual()
	w.Expect(deleted()).To(BeEmpty())
}

// answer is a fault that replaces what Studio answers.
func answer(status int, body string) func(*http.Request) livepeertest.Fault {
	return always(livepeertest.Replace(status, "application/json", body))
}

func faults() map[string]*fault {
	all := map[string]*fault{
		"connection refused": shut(),
		"connection reset in the body": {
			answers: always(livepeertest.Fault{Cut: true, CutAfter: 1}),
			reason:  v1alpha1.ReasonUnavailable, message: "was closed before the answer was complete",
		},
		"an answer that drips": {
			answers: always(livepeertest.Fault{Drip: 1, Pause: 700 * time.Millisecond}), timeout: time.Second,
			reason: v1alpha1.ReasonUnavailable, message: "did not answer in full within 1s",
		},
		"no answer": {
			answers: always(livepeertest.Fault{Delay: time.Hour}), timeout: time.Second,
			reason: v1alpha1.ReasonUnavailable, message: "did not answer in full within 1s",
		},
		"a revoked key, which the answer repeats": {
			harm:   func(w *world) { w.studio.RemoveKey(livepeertest.APIKey) },
			mend:   func(w *world) { w.studio.AddKey(livepeertest.APIKey, livepeertest.ProjectID) },
			reason: v1alpha1.ReasonUnauthorized, message: "Check apiKey in the Secret",
		},
		"a key without rights": {
			harm:   func(w *world) { w.studio.Restrict(livepeertest.APIKey) },
			mend:   func(w *world) { w.studio.AddKey(livepeertest.APIKey, livepeertest.ProjectID) },
			reason: v1alpha1.ReasonForbidden, message: "GET task and task/:id",
		},
		"not found": {
			answers: answer(http.StatusNotFound, `{"errors":["not found"]}`),
			reason:  v1alpha1.ReasonMalformed, message: "There is no task list at",
		},
		"too many requests": {
			answers: always(livepeertest.RateLimited("")), reason: v1alpha1.ReasonRateLimited, message: "asked too often",
		},
		"too many requests, until a date": {
			answers: func(*http.Request) livepeertest.Fault {
				return livepeertest.RateLimited(time.Now().Add(4 * time.Second).UTC().Format(http.TimeFormat))
			},
			reason: v1alpha1.ReasonRateLimited, message: "asked too often",
		},
		"500 to everything": {
			answers: answer(http.StatusInternalServerError, `{"message":"boom"}`),
			reason:  v1alpha1.ReasonUnavailable, message: "boom",
		},
		"a storm of gateway errors": {
			answers: storm(), reason: v1alpha1.ReasonUnavailable, message: "not available (50",
		},
		"more than fits": {
			answers: always(livepeertest.Large(100, 1<<20, func(_ int, padding []byte) []byte {
				return slices.Concat([]byte(`"`), padding, []byte(`"`))
			})),
			timeout: time.Minute, reason: v1alpha1.ReasonMalformed, message: "none of its elements is a task",
		},
		"a list that lacks everything": {
			answers: always(livepeertest.Says("[]")), mend: func(w *world) { w.resync("main", "once more") },
			reason: v1alpha1.ReasonPruningPaused, message: "tasks are missing from the API",
		},
		"a list that breaks off": {
			answers: always(livepeertest.Truncated()), reason: v1alpha1.ReasonMalformed, message: "breaks off before a list",
		},
		"a redirect to another host": redirected(),
	}
	for name, message := range map[string]string{
		"null": `begins with "null"`, `{"tasks":[]}`: "did not answer a list of tasks", "[null,null]": "none of its elements is a task",
	} {
		all["says "+name] = &fault{answers: answer(http.StatusOK, name), reason: v1alpha1.ReasonMalformed, message: message}
	}
	return all
}

// storm answers each request with another error of a gateway.
func storm() func(*http.Request) livepeertest.Fault {
	var n atomic.Int64
	return func(*http.Request) livepeertest.Fault {
		return livepeertest.HTML([]int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}[n.Add(1)%3])
	}
}

// shut closes the server. Its port stays taken, so that no other test's Studio, which may take the same key, answers in its place.
func shut() *fault {
	var port int
	return &fault{
		harm: func(w *world) {
			address := w.server.Listener.Addr().(*net.TCPAddr)
			w.server.Close()
			var err error
			port, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
			w.Expect(err).NotTo(HaveOccurred())
			w.Expect(syscall.SetsockoptInt(port, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)).To(Succeed())
			w.Expect(syscall.Bind(port, &syscall.SockaddrInet4{Port: address.Port, Addr: [4]byte(address.IP.To4())})).To(Succeed())
		},
		mend: func(w *world) {
			w.Expect(syscall.Close(port)).To(Succeed())
			w.reopen()
		},
		reason: v1alpha1.ReasonUnavailable, message: "refuses connections", uncounted: true,
	}
}

// reopen listens again where the server was listening.
func (w *world) reopen() {
	w.t.Helper()
	address := strings.TrimPrefix(w.server.URL, "http://")
	var listener net.Listener
	w.Eventually(func() (err error) {
		listener, err = (&net.ListenConfig{}).Listen(w.ctx, "tcp", address)
		return err
	}, soon, tick).Should(Succeed())
	w.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: w.studio}}
	w.server.Start()
	w.t.Cleanup(w.server.Close)
}

// redirected sends the operator to a host that must not be told the key.
func redirected() *fault {
	var requests, keys atomic.Int64
	var elsewhere *httptest.Server
	return &fault{
		harm: func(w *world) {
			elsewhere = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				if strings.Contains(fmt.Sprint(r.Header, r.URL), livepeertest.APIKey) {
					keys.Add(1)
				}
				_, _ = out.Write([]byte("[]"))
			}))
			w.t.Cleanup(elsewhere.Close)
			w.studio.Fault(always(livepeertest.Redirect(elsewhere.URL + "/api/task")))
		},
		mend: func(w *world) {
			w.studio.Fault(nil)
			w.Expect(keys.Load()).To(BeZero(), "of %d requests", requests.Load())
		},
		reason: v1alpha1.ReasonUnavailable, message: "redirects to",
	}
}

// TestOneUnreadableTask: a row that Studio stumbles over hides nothing but itself, however the others change.
func TestOneUnreadableTask(t *testing.T) {
	t.Parallel()
	w := mirroring(t, 40)
	deleted := w.deletions()
	bad := w.studio.IDs()[17]
	w.studio.Poison(bad)
	stop := w.churn()
	w.annotate("main", v1alpha1.AnnotationRequestedAt, "list everything, too")
	w.Expect(w.eventuallyReady("main", v1alpha1.ReasonUnreadable).Status).To(Equal(metav1.ConditionFalse))
	w.Expect(w.requestsIn(window)).To(BeNumerically("<", 60), "in %s", window)
	stop()
	w.Eventually(func() map[string]string { return without(w.mirroredStates(), bad) }, soon, tick).
		Should(Equal(without(w.states(), bad)))
	w.Expect(w.mirroredStates()).To(HaveKey(bad))

	w.studio.Repair(bad)
	w.resync("main", "repaired")
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.eventuallyEqual()
	w.Expect(deleted()).To(BeEmpty())
}

func without(states map[string]string, id string) map[string]string {
	delete(states, id)
	return states
}
