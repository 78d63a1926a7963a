// SPDX-License-Identifier: Apache-2.0

// Package route finds the URLs by which Studio reaches the operator's receiver of webhooks. It is pure.
package route

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/cluster"
)

// Found is a URL, and what it is routed by.
type Found struct{ By, URL string }

// OfIngresses returns the URLs that Ingresses lead from to one of the Services, for a path.
func OfIngresses(ingresses []networkingv1.Ingress, services []corev1.Service, path string) []Found {
	var found []Found
	for i := range ingresses {
		ingress := &ingresses[i]
		for _, rule := range ingress.Spec.Rules {
			if rule.HTTP == nil || !isHost(rule.Host) {
				continue
			}
			leads := slices.ContainsFunc(rule.HTTP.Paths, func(p networkingv1.HTTPIngressPath) bool {
				exact, rule := p.PathType != nil && *p.PathType == networkingv1.PathTypeExact, p.Path
				if p.PathType == nil || *p.PathType == networkingv1.PathTypeImplementationSpecific {
					rule = strings.TrimSuffix(rule, "*") // as the controllers of Google Cloud and of AWS want it
				}
				to := p.Backend.Service != nil && isReceiver(services, ingress.Namespace, p.Backend.Service.Name)
				return to && covers(rule, path, exact)
			})
			if leads {
				by := "Ingress " + ingress.Namespace + "/" + ingress.Name
				found = append(found, Found{By: by, URL: scheme(ingress, rule.Host) + rule.Host + path})
			}
		}
	}
	return found
}

// OfHTTPRoutes does the same for HTTPRoutes. Their listener is in the Gateway, so that https is taken for granted: Studio should not be
// told of anything else.
func OfHTTPRoutes(routes []cluster.HTTPRoute, services []corev1.Service, path string) []Found {
	var found []Found
	for i := range routes {
		route := &routes[i]
		leads := false
		for _, rule := range route.Spec.Rules {
			to := slices.ContainsFunc(rule.BackendRefs, func(b struct{ Name, Namespace string }) bool {
				namespace := b.Namespace
				if namespace == "" {
					namespace = route.Metadata.Namespace
				}
				return isReceiver(services, namespace, b.Name)
			})
			covered := len(rule.Matches) == 0
			for _, match := range rule.Matches {
				covered = covered || match.Path == nil || covers(match.Path.Value, path, match.Path.Type == "Exact")
			}
			leads = leads || to && covered
		}
		for _, host := range route.Spec.Hostnames {
			if leads && isHost(host) {
				found = append(found, Found{"HTTPRoute " + route.Metadata.Namespace + "/" + route.Metadata.Name, "https://" + host + path})
			}
		}
	}
	return found
}

// isHost reports whether a host can stand in a URL: none, and one with a wildcard, can't.
func isHost(host string) bool { return host != "" && !strings.Contains(host, "*") }

func isReceiver(services []corev1.Service, namespace, name string) bool {
	return slices.ContainsFunc(services, func(s corev1.Service) bool { return s.Namespace == namespace && s.Name == name })
}

// covers reports whether a rule for a path, or for all below it, covers another.
func covers(rule, path string, exact bool) bool {
	if exact {
		return rule == path
	}
	return strings.HasPrefix(path+"/", strings.TrimRight(rule, "/")+"/")
}

func scheme(ingress *networkingv1.Ingress, host string) string {
	for _, tls := range ingress.Spec.TLS {
		if len(tls.Hosts) == 0 || slices.Contains(tls.Hosts, host) {
			return "https://"
		}
		for _, wildcard := range tls.Hosts {
			if _, domain, _ := strings.Cut(host, "."); wildcard == "*."+domain {
				return "https://"
			}
		}
	}
	return "http://"
}
