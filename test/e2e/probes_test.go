// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// probePatience bounds one attempt: what is forwarded may lead nowhere.
const probePatience = 10 * time.Second

// probe asks a pod as the kubelet does.
func (e *suite) probe(pod, path string) (int, error) {
	e.t.Helper()
	url := "http://127.0.0.1:" + e.forward(systemNamespace, "pod/"+pod, "8081") + path
	ctx, cancel := context.WithTimeout(e.t.Context(), probePatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// Without the CRDs no pod is ready; once they are there, it gets ready by itself, with no restart.
func TestReadyOnceTheCRDsAreThere(t *testing.T) {
	e := begin(t)
	e.uninstall()
	e.install(asNoCRDs)
	e.g.Eventually(e.pods).Should(HaveLen(1))
	pod := e.pods()[0].Name
	e.k("-n", systemNamespace, "wait", "pod", pod, "--for=jsonpath={.status.phase}=Running", "--timeout=60s")
	e.g.Eventually(e.probe).WithArguments(pod, "/readyz").Should(Equal(http.StatusInternalServerError))
	e.g.Expect(e.probe(pod, "/healthz")).To(Equal(http.StatusOK))
	e.g.Expect(e.k("-n", systemNamespace, "get", "pod", pod, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)).To(Equal("False"))
	e.k("apply", "-k", "config/crd")
	e.k("-n", systemNamespace, "rollout", "status", "deployment/"+deployment, "--timeout=120s")
	e.g.Expect(e.restarts(pod)).To(BeZero())
	e.install(asDefault)
	a := e.account("crds", 20, "1")
	a.source()
}

// A CRD that is removed takes its objects with it, and the operator is not ready; once it is there again, so are they, with
// no restart.
func TestCRDRemovedAndBack(t *testing.T) {
	e := begin(t)
	e.operator(asDefault)
	a := e.account("crd", 20, "1")
	a.source()
	a.connect()
	pod := e.pods()[0].Name
	restarts := e.restarts(pod)
	a.k("delete", "crd", "livepeertasks.studio.livepeer.org", "--timeout=60s")
	a.g.Eventually(e.probe).WithArguments(pod, "/readyz").Should(Equal(http.StatusInternalServerError))
	a.k("apply", "-k", "config/crd")
	a.caughtUp(4 * time.Minute) // watches that failed are tried again ever more rarely
	a.g.Eventually(e.probe).WithArguments(pod, "/readyz").Should(Equal(http.StatusOK))
	a.g.Expect(e.restarts(pod)).To(Equal(restarts))
}

// A stopped operator ends by itself within its grace period, in the middle of a first sync too, and gives its lease back.
func TestGracefulStop(t *testing.T) {
	e := begin(t)
	e.operator(asDefault)
	a := e.account("stop", 1000, "1")
	list := e.pods()
	e.g.Expect(list).To(HaveLen(1))
	ended := e.end(t.Context(), list[0].Name)
	a.k("-n", a.namespace, "create", "secret", "generic", "livepeer", "--from-literal=apiKey="+a.key, "--from-literal=ca.crt="+string(a.authority.pem))
	a.apply(sourceAt(a.inside()), "-n", a.namespace, "apply", "-f", "-")
	a.g.Eventually(func() (int, error) {
		tasks, err := a.tasks(t.Context())
		return len(tasks), err
	}).Should(BeNumerically(">", 0))
	e.stop()
	e.g.Eventually(ended).Should(Receive(BeZero()), "SIGKILL ended it, or it failed")
	e.g.Expect(e.holder()).To(BeEmpty(), "the lease is held by nobody")
	tasks, err := a.tasks(t.Context())
	e.g.Expect(err).NotTo(HaveOccurred())
	t.Logf("stopped after %d of 1000 tasks", len(tasks))
	e.k("-n", systemNamespace, "scale", "deployment/"+deployment, "--replicas=1")
	e.rolledOut()
	a.connect()
	a.caughtUp()
}

// end tells the exit status of a pod's operator.
func (e *suite) end(ctx context.Context, pod string) <-chan int32 {
	e.t.Helper()
	w, err := e.client.Watch(ctx, &corev1.PodList{}, client.InNamespace(systemNamespace))
	e.g.Expect(err).NotTo(HaveOccurred())
	e.t.Cleanup(w.Stop)
	ended := make(chan int32, 1)
	go func() {
		for event := range w.ResultChan() {
			changed, ok := event.Object.(*corev1.Pod)
			if !ok || changed.Name != pod || event.Type == watch.Added {
				continue
			}
			for _, status := range changed.Status.ContainerStatuses {
				if status.Name == "manager" && status.State.Terminated != nil {
					ended <- status.State.Terminated.ExitCode
					return
				}
			}
		}
	}()
	return ended
}
