// SPDX-License-Identifier: Apache-2.0

package route

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
)

var services = []corev1.Service{{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "receiver"}}}

func TestIngresses(t *testing.T) {
	for _, c := range []struct{ namespace, spec, want string }{
		{"system", `{"tls":[{"hosts":["a.example.com"]}],"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/hooks/","pathType":"Prefix","backend":{"service":{"name":"receiver"}}}]}}]}`, "https://a.example.com/hooks/media/main"},
		{"system", `{"tls":[{"hosts":["*.example.com"]}],"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/","backend":{"service":{"name":"receiver"}}}]}}]}`, "https://a.example.com/hooks/media/main"},
		{"system", `{"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/hooks/media/main","pathType":"Exact","backend":{"service":{"name":"receiver"}}}]}}]}`, "http://a.example.com/hooks/media/main"},
		{"system", `{"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/hooks/*","pathType":"ImplementationSpecific","backend":{"service":{"name":"receiver"}}}]}}]}`, "http://a.example.com/hooks/media/main"},
		{"system", `{"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/*","pathType":"ImplementationSpecific","backend":{"service":{"name":"receiver"}}}]}}]}`, "http://a.example.com/hooks/media/main"},
		{"system", `{"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/hooks/*","pathType":"Prefix","backend":{"service":{"name":"receiver"}}}]}}]}`, ""},
		{"system", `{"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/hooks","pathType":"Exact","backend":{"service":{"name":"receiver"}}}]}}]}`, ""},
		{"system", `{"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/hook","pathType":"Prefix","backend":{"service":{"name":"receiver"}}}]}}]}`, ""},
		{"system", `{"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/hooks/","pathType":"Prefix","backend":{"service":{"name":"other"}}}]}}]}`, ""},
		{"system", `{"tls":[{"secretName":"wildcard"}],"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/","backend":{"service":{"name":"receiver"}}}]}}]}`, "https://a.example.com/hooks/media/main"},
		{"elsewhere", `{"rules":[{"host":"a.example.com","http":{"paths":[{"path":"/hooks/","pathType":"Prefix","backend":{"service":{"name":"receiver"}}}]}}]}`, ""},
		{"system", `{"rules":[{"host":"*.example.com","http":{"paths":[{"path":"/hooks/","backend":{"service":{"name":"receiver"}}}]}},{"host":"b.example.com"}]}`, ""},
	} {
		ingress := networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: "i"}}
		if err := json.Unmarshal([]byte(c.spec), &ingress.Spec); err != nil {
			t.Fatal(err)
		}
		check(t, OfIngresses([]networkingv1.Ingress{ingress}, services, "/hooks/media/main"), c.want, c.spec)
	}
}

func TestHTTPRoutes(t *testing.T) {
	for _, c := range []struct{ namespace, spec, want string }{
		{"system", `{"hostnames":["a.example.com"],"rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/hooks/"}}],"backendRefs":[{"name":"receiver"}]}]}`, "https://a.example.com/hooks/media/main"},
		{"other", `{"hostnames":["*.example.com","a.example.com"],"rules":[{"backendRefs":[{"name":"receiver","namespace":"system"}]}]}`, "https://a.example.com/hooks/media/main"},
		{"other", `{"hostnames":["a.example.com"],"rules":[{"backendRefs":[{"name":"receiver"}]}]}`, ""},
		{"system", `{"hostnames":["a.example.com"],"rules":[{"matches":[{"path":{"type":"Exact","value":"/hooks/"}}],"backendRefs":[{"name":"receiver"}]}]}`, ""},
		{"system", `{"hostnames":["a.example.com"],"rules":[{"matches":[{}],"backendRefs":[{"name":"receiver"}]}]}`, "https://a.example.com/hooks/media/main"},
		{"system", `{"rules":[{"backendRefs":[{"name":"receiver"}]}]}`, ""},
	} {
		route := cluster.HTTPRoute{Metadata: metav1.ObjectMeta{Namespace: c.namespace, Name: "r"}}
		if err := json.Unmarshal([]byte(c.spec), &route.Spec); err != nil {
			t.Fatal(err)
		}
		check(t, OfHTTPRoutes([]cluster.HTTPRoute{route}, services, "/hooks/media/main"), c.want, c.spec)
	}
}

func check(t *testing.T, found []Found, want, of string) {
	t.Helper()
	got := ""
	if len(found) == 1 {
		got = found[0].URL
	}
	if got != want || len(found) > 1 {
		t.Errorf("%v, not %q, of %s", found, want, of)
	}
}
