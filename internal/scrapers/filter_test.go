// SPDX-License-Identifier: Apache-2.0

package scrapers

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	authenticationapi "k8s.io/api/authentication/v1"
	authorizationapi "k8s.io/api/authorization/v1"
	"k8s.io/client-go/rest"
)

// soon is for a machine that is busy with other things.
const soon = 4 * time.Minute

const token = "the-token-of-prometheus"

// api answers reviews as the API server does: it knows one token, whose user may get one path.
type api struct {
	mu     sync.Mutex
	status int           // of all answers, where that is not 0
	silent chan struct{} // nothing is answered before it is closed
	asked  int
	last   authorizationapi.SubjectAccessReview
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.asked++
	status, silent := a.status, a.silent
	a.mu.Unlock()
	if silent != nil {
		select {
		case <-silent:
		case <-r.Context().Done():
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	w.WriteHeader(http.StatusCreated)
	if strings.HasSuffix(r.URL.Path, "/tokenreviews") {
		review := authenticationapi.TokenReview{}
		_ = json.NewDecoder(r.Body).Decode(&review)
		if review.Status.Authenticated = review.Spec.Token == token; review.Status.Authenticated {
			review.Status.User = authenticationapi.UserInfo{
				Username: "prometheus", UID: "1", Groups: []string{"monitoring"}, Extra: map[string]authenticationapi.ExtraValue{"pod": {"a", "b"}},
			}
		}
		_ = json.NewEncoder(w).Encode(review)
		return
	}
	review := authorizationapi.SubjectAccessReview{}
	_ = json.NewDecoder(r.Body).Decode(&review)
	a.mu.Lock()
	a.last = review
	a.mu.Unlock()
	asks := review.Spec.NonResourceAttributes
	review.Status.Allowed = review.Spec.User == "prometheus" && asks.Verb == "get" && asks.Path == "/metrics"
	_ = json.NewEncoder(w).Encode(review)
}

func (a *api) questions() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// served is a handler of metrics behind the filter, and what it logs.
func served(t *testing.T, of *api) (http.Handler, func() string) {
	t.Helper()
	g := NewWithT(t)
	server := httptest.NewServer(of)
	t.Cleanup(server.Close)
	client := server.Client()
	filter, err := Filter(&rest.Config{Host: server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}, client)
	g.Expect(err).NotTo(HaveOccurred())
	var mu sync.Mutex
	logged := ""
	handler, err := filter(funcr.New(func(_, line string) {
		mu.Lock()
		defer mu.Unlock()
		logged += line
	}, funcr.Options{Verbosity: 10}), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("metrics")) }))
	g.Expect(err).NotTo(HaveOccurred())
	return handler, func() string { mu.Lock(); defer mu.Unlock(); return logged }
}

func ask(ctx context.Context, handler http.Handler, method, path, authorization, from string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, path, http.NoBody)
	r.Header.Set("Authorization", authorization)
	r.RemoteAddr = from + ":1234"
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestFilter(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, authorization string
		api                         int
		status, asked               int
	}{
		"permitted":              {"GET", "/metrics", "Bearer " + token, 0, http.StatusOK, 2},
		"in another case":        {"GET", "/metrics", "bearer  " + token + " ", 0, http.StatusOK, 2},
		"nobody":                 {"GET", "/metrics", "", 0, http.StatusUnauthorized, 0},
		"no token":               {"GET", "/metrics", "Bearer ", 0, http.StatusUnauthorized, 0},
		"a password":             {"GET", "/metrics", "Basic " + token, 0, http.StatusUnauthorized, 0},
		"a token without scheme": {"GET", "/metrics", token, 0, http.StatusUnauthorized, 0},
		"a huge token":           {"GET", "/metrics", "Bearer " + strings.Repeat("x", maxToken+1), 0, http.StatusUnauthorized, 0},
		"a wrong token":          {"GET", "/metrics", "Bearer x" + token, 0, http.StatusUnauthorized, 1},
		"another path":           {"GET", "/metrics/../debug", "Bearer " + token, 0, http.StatusForbidden, 2},
		"another verb":           {"POST", "/metrics", "Bearer " + token, 0, http.StatusForbidden, 2},
		"may not ask":            {"GET", "/metrics", "Bearer " + token, http.StatusForbidden, http.StatusInternalServerError, 1},
		"no API server":          {"GET", "/metrics", "Bearer " + token, http.StatusBadGateway, http.StatusInternalServerError, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			of := &api{status: c.api}
			handler, logged := served(t, of)
			answer := ask(t.Context(), handler, c.method, c.path, c.authorization, "10.0.0.1")
			g.Expect(answer.Code).To(Equal(c.status))
			g.Expect(answer.Body.String() == "metrics").To(Equal(c.status == http.StatusOK))
			g.Expect(of.questions()).To(Equal(c.asked))
			g.Expect(answer.Body.String() + logged()).NotTo(ContainSubstring(token))
			g.Expect(logged() != "").To(Equal(c.api != 0), "what a person has to act on, and nothing that a stranger can cause")
			if c.status == http.StatusOK {
				g.Expect(of.last.Spec).To(And(HaveField("UID", "1"), HaveField("Groups", []string{"monitoring"}),
					HaveField("Extra", HaveKeyWithValue("pod", authorizationapi.ExtraValue{"a", "b"}))))
			}
		})
	}
}

// TestTokensAreNotLogged: the more verbose client-go's log is, the more of a request is in it, and whoever reads the metrics has sent a token.
func TestTokensAreNotLogged(t *testing.T) {
	g := NewWithT(t)
	handler, _ := served(t, &api{})
	logged := ""
	verbose := funcr.New(func(_, line string) { logged += line }, funcr.Options{Verbosity: 10})
	answer := ask(logr.NewContext(t.Context(), verbose), handler, "GET", "/metrics", "Bearer "+token, "10.0.0.1")
	g.Expect(answer.Code).To(Equal(http.StatusOK))
	g.Expect(logged).NotTo(ContainSubstring(token))
}

// TestGuessersKeepNobodyOut: however many tokens an address tries, the API server is asked of a few at once, and who comes from another
// address has a turn before most of them.
func TestGuessersKeepNobodyOut(t *testing.T) {
	g := NewWithT(t)
	of := &api{silent: make(chan struct{})}
	handler, _ := served(t, of)
	ctx, cancel := context.WithCancel(t.Context())
	var guessers sync.WaitGroup
	for range 200 {
		guessers.Go(func() { ask(ctx, handler, "GET", "/metrics", "Bearer guess", "10.0.0.1") })
	}
	g.Eventually(of.questions, soon).Should(Equal(addressAsking))
	genuine := make(chan int, 1)
	go func() { genuine <- ask(t.Context(), handler, "GET", "/metrics", "Bearer "+token, "10.0.0.2").Code }()
	g.Eventually(of.questions, soon).Should(Equal(addressAsking + 1))
	close(of.silent)
	g.Eventually(genuine, soon).Should(Receive(Equal(http.StatusOK)))
	cancel()
	guessers.Wait()
	for range 2 * asking { // turns end
		g.Expect(ask(t.Context(), handler, "GET", "/metrics", "Bearer "+token, "10.0.0.1").Code).To(Equal(http.StatusOK))
	}
}
