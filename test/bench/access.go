// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// rivalName is the ServiceAccount of whoever is compared with the operator. It gets past the admission policy as the
// operator does, and its requests cost the API server the same checks.
const rivalName = "bench"

// prepareAccess makes the clients and the kubeconfigs.
func (s *stage) prepareAccess(ctx context.Context) error {
	operator, err := s.bed.OperatorConfig(ctx)
	if err != nil {
		return err
	}
	if s.kubeconfig, err = s.bed.Kubeconfig("operator", operator, namespace); err != nil {
		return err
	}
	if err := s.bed.Plane.Apply(ctx, rivalManifests()...); err != nil {
		return err
	}
	rival, err := s.bed.Plane.ServiceAccountConfig(ctx, "default", rivalName)
	if err != nil {
		return err
	}
	rival.QPS = -1
	s.rivalConfig = rival
	if s.rivalKubeconfig, err = s.bed.Kubeconfig("rival", rival, namespace); err != nil {
		return err
	}
	if s.http, err = rest.HTTPClientFor(rival); err != nil {
		return err
	}
	if s.admin, err = rest.HTTPClientFor(s.bed.Plane.Config()); err != nil {
		return err
	}
	if s.rival, err = client.New(rival, client.Options{Scheme: s.bed.Admin.Scheme(), HTTPClient: s.http}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return every(ctx, 100*time.Millisecond, func() (bool, error) {
		// The API server takes a moment to learn of the new rights.
		return s.send(ctx, http.MethodGet, s.tasksPath("default"), "", nil, nil) == nil, nil
	})
}

func rivalManifests() []*unstructured.Unstructured {
	const rbac = "rbac.authorization.k8s.io/v1"
	rule := func(resource string, verbs ...any) any {
		return map[string]any{"apiGroups": []any{"studio.livepeer.org"}, "resources": []any{resource}, "verbs": verbs}
	}
	meta := map[string]any{"name": rivalName}
	return []*unstructured.Unstructured{
		{Object: map[string]any{
			"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": rivalName, "namespace": "default"},
		}},
		{Object: map[string]any{"apiVersion": rbac, "kind": "ClusterRole", "metadata": meta, "rules": []any{
			rule("livepeertasks", "get", "list", "watch", "create", "update", "patch", "deletecollection", "mirror"),
			rule("livepeertasks/status", "update", "patch"),
		}}},
		{Object: map[string]any{
			"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": meta,
			"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": rivalName},
			"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": rivalName, "namespace": "default"}},
		}},
	}
}
