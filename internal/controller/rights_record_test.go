// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// apiRecord notes what an operator asks the API server for, in the words of RBAC.
type apiRecord struct {
	mu      sync.Mutex
	used    map[string]bool // verbs and resources that the API server allowed
	refused map[string]bool // and those that it did not
	// secrets are the requests for Secrets.
	secrets []*http.Request
	// streams are the open watches of Secrets.
	streams []io.Closer
	// noStreamingLists answers as API servers before 1.34 do, so that clients fall back to list and watch.
	noStreamingLists bool
	// noSecretWatches breaks the network for watches of Secrets.
	noSecretWatches bool
}

// through makes a configuration whose requests are noted.
func (r *apiRecord) through(config *rest.Config) *rest.Config {
	r.used, r.refused = map[string]bool{}, map[string]bool{}
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return recorded{apiRecord: r, next: next}
	})
	return config
}

// recorded is a transport whose requests are noted.
type recorded struct {
	*apiRecord
	next http.RoundTripper
}

const noStreaming = `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422,
	"message": "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"}`

func (r recorded) RoundTrip(request *http.Request) (*http.Response, error) {
	right := rightOf(request)
	r.mu.Lock()
	streaming := request.URL.Query().Get("sendInitialEvents") == "true"
	secret := strings.HasSuffix(right, " secrets")
	if secret {
		r.secrets = append(r.secrets, request)
	}
	noLists, noWatch := r.noStreamingLists && streaming, r.noSecretWatches && right == "watch secrets"
	r.mu.Unlock()
	switch {
	case noLists:
		return &http.Response{
			StatusCode: http.StatusUnprocessableEntity, Request: request, ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewBufferString(noStreaming)),
		}, nil
	case noWatch:
		return nil, io.ErrUnexpectedEOF
	}
	response, err := r.next.RoundTrip(request)
	if err != nil || right == "" {
		return response, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if response.StatusCode == http.StatusForbidden {
		r.refused[right] = true
		return response, nil
	}
	r.used[right] = true
	if right == "watch secrets" {
		r.streams = append(r.streams, response.Body)
	}
	return response, nil
}

// rightOf says which right a request takes: a verb and a resource. It is empty for what is no resource.
func rightOf(request *http.Request) string {
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	group := ""
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		group, parts = parts[1], parts[3:]
	default:
		return ""
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	verb := map[string]string{
		http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch",
		http.MethodDelete: "delete",
	}[request.Method]
	switch {
	case request.URL.Query().Get("watch") == "true":
		verb = "watch"
	case verb == "get" && len(parts) == 1:
		verb = "list"
	}
	resource := parts[0]
	if len(parts) > 2 {
		resource += "/" + parts[2]
	}
	return right(verb, resource, group)
}

// right names a right as rightOf does.
func right(verb, resource, group string) string {
	return strings.TrimSuffix(verb+" "+resource+"."+group, ".")
}

// rightsIn lists what the rules of roles allow, for the roles whose names end so.
func rightsIn(objects []*unstructured.Unstructured, names ...string) []string {
	rights := map[string]bool{}
	for _, object := range objects {
		named := func(suffix string) bool { return strings.HasSuffix(object.GetName(), suffix) }
		if !strings.HasSuffix(object.GetKind(), "Role") || !slices.ContainsFunc(names, named) {
			continue
		}
		role := &rbacv1.ClusterRole{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, role); err != nil {
			panic(err)
		}
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						rights[right(verb, resource, group)] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(rights))
}

func (r *apiRecord) usedRights() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.used))
}

func (r *apiRecord) refusedRights() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.refused))
}

// set changes how the record treats requests.
func (r *apiRecord) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}
