// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/freeport"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/serving"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

// leaseName is that of main.go; the leader election role names it.
const leaseName = "livepeer-task-operator.studio.livepeer.org"

// TestUsesExactlyItsRights: the rights in config/default are enough for the whole job, and all of them are needed.
func TestUsesExactlyItsRights(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	objects, err := cluster.Render(w.ctx, "config/default")
	w.Expect(err).NotTo(HaveOccurred())
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "livepeer-task-operator-system", Name: leaseName}}
	w.Expect(client.IgnoreNotFound(w.client.Delete(w.ctx, lease))).To(Succeed()) // of an earlier run of this test
	requests := &apiRecord{}
	metrics := &serving.MetricsOptions{Address: freeAddress(w), Secure: true}
	w.doTheWholeJob(requests, requests.through(operator), w.asInMain(lease.Namespace), metrics)

	granted := rightsIn(objects, "-manager-role", "-leader-election-role", "-metrics-auth-role")
	w.Eventually(requests.usedRights, soon, tick).Should(Equal(granted))
	w.Expect(requests.refusedRights()).To(BeEmpty())
}

// TestNamespacedInstallUsesExactlyItsRights: the same with config/namespaced and the kustomization in docs/rights.md, which
// also names the Secret. No right reaches beyond the namespace.
func TestNamespacedInstallUsesExactlyItsRights(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	objects, account := w.installNamespaced()
	requests := &apiRecord{}
	w.doTheWholeJob(requests, requests.through(account), w.asInMain(w.namespace), &serving.MetricsOptions{Address: "0"})

	granted := rightsIn(objects, "-role")
	w.Eventually(requests.usedRights, soon, tick).Should(Equal(granted))
	w.Expect(requests.refusedRights()).To(BeEmpty())
	w.mayNot(account, "get", "secrets", "default", "livepeer")
	w.mayNot(account, "get", "secrets", w.namespace, "another")
	w.mayNot(account, "watch", "secrets", w.namespace, "")
	w.mayNot(account, "create", "livepeertasks", "default", "")
}

// asInMain are the options of main.go, for one namespace, since the tests share a cluster.
func (w *world) asInMain(leases string) ctrl.Options {
	return ctrl.Options{
		Scheme: scheme, Controller: configWithoutNames(), Metrics: metricsserver.Options{BindAddress: "0"},
		LeaderElection: true, LeaderElectionID: leaseName, LeaderElectionNamespace: leases,
		LeaderElectionReleaseOnCancel: true,
		// A busy machine must not cost it the lease: nobody starts it again here.
		LeaseDuration: new(2 * soon), RenewDeadline: new(soon),
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{w.namespace: {}},
		},
	}
}

// doTheWholeJob makes an operator do all that it ever does: mirror, follow, heal, delete, read a new key, elect a leader,
// and serve metrics. It runs twice: the second time, the API server can't stream lists.
func (w *world) doTheWholeJob(requests *apiRecord, config *rest.Config, options ctrl.Options, metrics *serving.MetricsOptions) {
	w.t.Helper()
	w.studio.Populate(100, 1)
	w.secret(livepeertest.APIKey)
	w.source("main")
	receiving := controller.Config{Receiver: &webhook.Config{Address: freeAddress(w)}}
	serves := func(mgr ctrl.Manager) { w.Expect(serving.Metrics(w.ctx, mgr, metrics)).To(Succeed()) }
	stop := w.startManager(config, options, receiving, serves)
	w.eventuallyReady("main", v1alpha1.ReasonSynced)

	id := w.aTask("running")
	w.studio.Update(id, completed)
	w.Eventually(func() string { return w.task(id).Status.Phase }, soon, tick).Should(Equal("completed"))
	w.change(id, func(task *v1alpha1.LivepeerTask) { task.Spec.ProjectID = "forged" })
	w.Eventually(func() string { return w.task(id).Spec.ProjectID }, soon, tick).ShouldNot(Equal("forged"))
	w.studio.Delete(id)
	w.resync("main", "1")
	w.Eventually(w.tasks, soon, tick).Should(HaveLen(99))
	w.studio.AddKey("another-key", livepeertest.ProjectID)
	w.studio.RemoveKey(livepeertest.APIKey)
	w.eventuallyReady("main", v1alpha1.ReasonUnauthorized)
	w.secret("another-key")
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	if metrics.Secure {
		w.readMetrics(metrics.Address)
	}
	stop()

	requests.set(func() { requests.noStreamingLists = true })
	w.studio.Update(w.aTask("running"), completed)
	stop = w.startManager(config, options, receiving, serves)
	w.resync("main", "2")
	stop()
}

// installNamespaced applies config/namespaced as docs/rights.md says, but for the Deployment, and answers the operator's
// ServiceAccount.
func (w *world) installNamespaced() ([]*unstructured.Unstructured, *rest.Config) {
	w.t.Helper()
	root, err := controlplane.RepoRoot()
	w.Expect(err).NotTo(HaveOccurred())
	dir, err := filepath.Rel(root, w.t.TempDir())
	w.Expect(err).NotTo(HaveOccurred())
	base, err := filepath.Rel(filepath.Join(root, dir), filepath.Join(root, "config", "namespaced"))
	w.Expect(err).NotTo(HaveOccurred())
	manual, err := os.ReadFile(filepath.Join(root, "docs", "rights.md"))
	w.Expect(err).NotTo(HaveOccurred())
	_, example, _ := strings.Cut(string(manual), "```yaml\n")
	kustomization, _, _ := strings.Cut(example, "```")
	w.Expect(kustomization).To(And(ContainSubstring("namespace: media\n"), ContainSubstring("resourceNames, value: [livepeer]")))
	kustomization = strings.NewReplacer("namespace: media", "namespace: "+w.namespace,
		"../livepeer-task-operator/config/namespaced", base).Replace(kustomization)
	w.Expect(os.WriteFile(filepath.Join(root, dir, "kustomization.yaml"), []byte(kustomization), 0o600)).To(Succeed())
	objects, err := cluster.Render(w.ctx, dir)
	w.Expect(err).NotTo(HaveOccurred())
	account := ""
	for _, object := range objects {
		w.Expect(object.GetNamespace()).To(Equal(w.namespace), object.GetKind())
		switch object.GetKind() {
		case "ServiceAccount":
			account = object.GetName()
		case "Deployment":
			continue
		}
		w.Expect(cluster.Apply(w.ctx, object)).To(Succeed())
	}
	config, err := cluster.ServiceAccountConfig(w.ctx, w.namespace, account)
	w.Expect(err).NotTo(HaveOccurred())
	return objects, config
}

// mayNot checks that somebody lacks a right.
func (w *world) mayNot(account *rest.Config, verb, resource, namespace, name string) {
	w.t.Helper()
	group := ""
	if resource == "livepeertasks" {
		group = v1alpha1.GroupVersion.Group
	}
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: group, Resource: resource, Namespace: namespace, Name: name,
		},
	}}
	c, err := client.New(account, client.Options{Scheme: scheme})
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(c.Create(w.ctx, review)).To(Succeed())
	w.Expect(review.Status.Allowed).To(BeFalse(), "%s %s %s/%s", verb, resource, namespace, name)
}

// readMetrics reads them as somebody with the role metrics-reader, and as somebody without.
func (w *world) readMetrics(address string) {
	w.t.Helper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "livepeer-task-operator-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: w.namespace, Name: "reader"}},
	}
	w.Expect(w.client.Create(w.ctx, binding)).To(Succeed())
	w.t.Cleanup(func() { w.Expect(w.client.Delete(context.Background(), binding)).To(Succeed()) })
	httpClient := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer httpClient.CloseIdleConnections()
	for name, wanted := range map[string]int{"reader": http.StatusOK, "stranger": http.StatusForbidden} {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
		w.Expect(w.client.Create(w.ctx, account)).To(Succeed())
		config, err := cluster.ServiceAccountConfig(w.ctx, w.namespace, name)
		w.Expect(err).NotTo(HaveOccurred())
		w.Eventually(func() int {
			request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, "https://"+address+"/metrics", http.NoBody)
			w.Expect(err).NotTo(HaveOccurred())
			request.Header.Set("Authorization", "Bearer "+config.BearerToken)
			response, err := httpClient.Do(request)
			if err != nil {
				return 0
			}
			defer response.Body.Close()
			return response.StatusCode
		}, soon, tick).Should(Equal(wanted), name)
	}
}

// freeAddress is one on loopback that nobody listens on.
func freeAddress(w *world) string {
	address, err := freeport.Address(w.ctx)
	w.Expect(err).NotTo(HaveOccurred())
	return address
}
