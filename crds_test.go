// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// testCRDsLater: an operator that is started before its CRDs are there, whether it serves all sources or those of a shard, waits for
// them without being ready, and then works with no restart.
func (b *bench) testCRDsLater(t *testing.T) {
	g := NewWithT(t)
	studio := livepeertest.NewServer()
	studio.Populate(5, 1)
	server := httptest.NewServer(studio)
	defer server.Close()
	crds, err := b.cluster.Render(t.Context(), "config/crd")
	g.Expect(err).NotTo(HaveOccurred())
	for _, crd := range crds {
		g.Expect(b.client.Delete(t.Context(), crd)).To(Succeed())
	}
	for _, crd := range crds {
		g.Eventually(func() error {
			return b.client.Get(t.Context(), client.ObjectKeyFromObject(crd), crd.DeepCopy())
		}, soon).Should(MatchError(apierrors.IsNotFound, "is gone"))
	}
	var probes []string
	for _, selector := range []string{"", "shard=a"} {
		address := freeAddress(t)
		printed, _ := b.start(t, "--metrics-bind-address=0", "--health-probe-bind-address="+address, "--watch-label-selector="+selector)
		g.Eventually(probe, soon).WithArguments(t.Context(), address, "/readyz").Should(Equal(http.StatusInternalServerError), printed.String())
		g.Expect(probe(t.Context(), address, "/healthz")).To(Equal(http.StatusOK))
		probes = append(probes, address)
	}
	g.Expect(b.cluster.Apply(t.Context(), crds...)).To(Succeed())
	for _, address := range probes {
		g.Eventually(probe, soon).WithArguments(t.Context(), address, "/readyz").Should(Equal(http.StatusOK))
	}
	source := b.source(t, server.URL+"/api", livepeertest.APIKey)
	g.Eventually(b.reason, soon).WithArguments(t.Context(), source).Should(Equal(v1alpha1.ReasonSynced))
}

// probe asks as the kubelet does.
func probe(ctx context.Context, address, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
