// SPDX-License-Identifier: Apache-2.0

package unserved

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

const (
	prefix, suffix = "/namespaces/", "/livepeertasksources"
	// empty is the API server's answer if there are no sources. A watch without a resourceVersion begins with those that exist.
	empty = `{"kind":"LivepeerTaskSourceList","apiVersion":"studio.livepeer.org/v1alpha1","metadata":{"resourceVersion":""},"items":[]}`
)

// Sources returns a configuration for a cache of LivepeerTaskSources. A namespace whose sources the operator may not list seems to have
// none, until it may for the first time. The cache retries its watch, which is refused, and so notices when the right is granted.
func Sources(config *rest.Config, log logr.Logger) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &sources{next: next, log: log, namespaces: map[string]bool{}}
	})
	return config
}

type sources struct {
	next http.RoundTripper
	log  logr.Logger

	mu         sync.Mutex
	namespaces map[string]bool // namespaces that were requested, and whether they were ever readable
}

// RoundTrip asks the API server.
func (s *sources) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := s.next.RoundTrip(request)
	namespace, listed := asksFor(request)
	if err != nil || namespace == "" {
		return response, err
	}
	switch response.StatusCode {
	case http.StatusOK:
		s.readable(namespace)
	case http.StatusForbidden:
		if s.refused(namespace) && listed {
			_ = response.Body.Close() // replaced by an empty list
			return none(request), nil
		}
	}
	return response, nil
}

// asksFor returns the namespace whose sources a request lists or watches, empty if it does neither.
func asksFor(request *http.Request) (namespace string, listed bool) {
	_, path, ok := strings.Cut(request.URL.Path, "/apis/"+v1alpha1.GroupVersion.String()+prefix)
	namespace, found := strings.CutSuffix(path, suffix)
	if !ok || !found || request.Method != http.MethodGet {
		return "", false
	}
	return namespace, !watches(request.URL)
}

func watches(of *url.URL) bool {
	watch, err := strconv.ParseBool(of.Query().Get("watch"))
	return watch && err == nil
}

func (s *sources) readable(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if readable, asked := s.namespaces[namespace]; asked && !readable {
		s.log.Info("The namespace is served now", "namespace", namespace)
	}
	s.namespaces[namespace] = true
}

// refused notes that a namespace can't be read, and reports whether it never could be.
func (s *sources) refused(namespace string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	readable, asked := s.namespaces[namespace]
	if !asked {
		s.namespaces[namespace] = false
		Tell(s.log, "LivepeerTaskSources", namespace)
	}
	return !readable
}

// Tell logs, for a person to act on, that the operator may not list objects of a kind in a namespace.
func Tell(log logr.Logger, kind, namespace string) {
	log.Error(nil, "The namespace is not served: the operator may not list and watch "+kind+" there. Grant it the Role of docs/rights.md "+
		"in that namespace, or take it out of --watch-namespaces. It is tried again every minute; others are served",
		"namespace", namespace)
}

// none returns a response without sources.
func none(request *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(empty)),
		Body: io.NopCloser(bytes.NewReader([]byte(empty))),
	}
}
