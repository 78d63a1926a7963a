// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	systemNamespace = "livepeer-task-operator-system"
	hookSecret      = "a-shared-secret-of-32-characters"
)

// hooks are two replicas that receive webhooks over TLS, for one source that is polled once an hour.
type hooks struct {
	Gomega
	*bench
	t      *testing.T
	studio *livepeertest.Server
	source *v1alpha1.LivepeerTaskSource
	certs  string
	roots  *x509.CertPool
	events int
}

// testReplicas: a webhook that comes to a replica which does not lead reaches the object all the same; the certificate may
// change meanwhile; and when the leader is killed in a stream of them, nothing is lost beyond the next poll.
func (b *bench) testReplicas(t *testing.T) {
	h := &hooks{Gomega: NewWithT(t), bench: b, t: t, studio: livepeertest.NewServer(), certs: t.TempDir()}
	h.studio.Populate(60, 1)
	server := httptest.NewServer(h.studio)
	t.Cleanup(server.Close)
	h.roots = issue(t, h.certs, 1)
	h.source = h.hourlySource(server.URL + "/api")
	replicas := map[string]*exec.Cmd{}
	_, port, err := net.SplitHostPort(freeAddress(t))
	h.Expect(err).NotTo(HaveOccurred())
	for n := range 2 { // as pods have it: each its own address, and all the same port
		ip := fmt.Sprintf("127.0.0.%d", n+1)
		replicas[net.JoinHostPort(ip, port)] = h.replica(ip, port)
	}
	h.Eventually(b.reason, soon).WithArguments(t.Context(), h.source).Should(Equal(v1alpha1.ReasonSynced))
	leader := h.leader()
	h.Expect(replicas).To(HaveKey(leader))
	follower := ""
	for address := range replicas {
		if address != leader {
			follower = address
		}
	}

	ids := h.studio.IDs()
	h.studio.ResetRequests()
	h.reaches(follower, ids[0])
	h.reaches(leader, ids[1])
	h.Expect(h.studio.Requests()).To(HaveLen(2), "each is asked for once, by one replica")
	h.Expect(h.send(follower, ids[0], "a wrong secret of 32 characters!")).To(Equal(http.StatusUnauthorized))

	h.roots = issue(t, h.certs, 2)
	for address := range replicas {
		h.Eventually(func() int64 { return get(t.Context(), h.roots, "https://"+address, "").serial }, soon).Should(Equal(int64(2)))
	}
	h.reaches(follower, ids[2])

	unsent := h.killDuringStream(ids, replicas, leader, follower)
	h.Eventually(h.leader, soon).Should(Equal(follower))
	h.Eventually(func() map[string]string { return h.mirrored() }, soon).Should(Equal(h.wanted()), "%d were not delivered", unsent)
	h.reaches(follower, ids[3])
}

// killDuringStream changes all tasks one after the other, and sends each event to the replicas in turn until one takes it,
// a few times. In the middle, the leader is killed.
func (h *hooks) killDuringStream(ids []string, replicas map[string]*exec.Cmd, leader, follower string) (unsent int) {
	for n, id := range ids {
		if n == len(ids)/2 {
			h.Expect(replicas[leader].Process.Kill()).To(Succeed())
		}
		h.change(id)
		answers := []int{h.send([]string{follower, leader}[n%2], id, hookSecret), 0}
		if answers[0] != http.StatusAccepted {
			answers[1] = h.send(follower, id, hookSecret)
		}
		h.Expect(answers).NotTo(ContainElement(http.StatusUnauthorized))
		if !slices.Contains(answers, http.StatusAccepted) {
			unsent++
		}
	}
	return unsent
}

// hourlySource creates a source with a webhook secret.
func (h *hooks) hourlySource(url string) *v1alpha1.LivepeerTaskSource {
	source := h.bench.source(h.t, url, livepeertest.APIKey)
	secret := &corev1.Secret{}
	h.Expect(h.client.Get(h.t.Context(), client.ObjectKey{Namespace: source.Namespace, Name: "livepeer"}, secret)).To(Succeed())
	secret.StringData = map[string]string{"webhookSecret": hookSecret}
	h.Expect(h.client.Update(h.t.Context(), secret)).To(Succeed())
	hourly := source.DeepCopy()
	hourly.Spec.Interval.Duration, hourly.Spec.ResyncInterval.Duration = time.Hour, time.Hour
	h.Expect(h.client.Patch(h.t.Context(), hourly, client.MergeFrom(source))).To(Succeed())
	return hourly
}

// replica starts one, as in a pod.
func (h *hooks) replica(ip, port string) *exec.Cmd {
	cmd := exec.CommandContext(h.t.Context(), h.binary, "--kubeconfig="+h.kubeconfig, "--leader-elect",
		"--health-probe-bind-address=0", "--metrics-bind-address=0", "--receiver-bind-address="+net.JoinHostPort(ip, port),
		"--receiver-cert-path="+h.certs, "--receiver-cert-name=crt.pem", "--receiver-cert-key=key.pem")
	cmd.Env = append(os.Environ(), "POD_NAMESPACE="+systemNamespace, "POD_IP="+ip)
	printed := &output{}
	cmd.Stdout, cmd.Stderr = printed, printed
	h.Expect(cmd.Start()).To(Succeed())
	h.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // that it was ended is an error as well
		if h.t.Failed() {
			h.t.Log(printed.String())
		}
	})
	return cmd
}

// leader is the address in the lease.
func (h *hooks) leader() string {
	lease := &coordinationv1.Lease{}
	if err := h.client.Get(h.t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: leaseName}, lease); err != nil {
		return err.Error()
	}
	holder := *lease.Spec.HolderIdentity
	return holder[strings.LastIndex(holder, "_")+1:]
}

// change makes a task run on.
func (h *hooks) change(id string) {
	h.events++
	h.studio.Update(id, func(task livepeertest.Task) {
		task["status"] = map[string]any{"phase": "running", "updatedAt": time.Now().UnixMilli() + int64(h.events)}
	})
}

// send posts an event about a task to a replica, and answers the status; 0 where there was none.
func (h *hooks) send(address, id, secret string) int {
	h.events++
	task, _ := h.studio.Get(id)
	status, _ := task["status"].(map[string]any)
	body := fmt.Appendf(nil, `{"id":"event-%d","timestamp":%d,"event":"task.updated","payload":{"task":{"id":%q,"snapshot":{"status":{"updatedAt":%v}}}}}`,
		h.events, time.Now().UnixMilli(), id, status["updatedAt"])
	hash := hmac.New(sha256.New, []byte(secret))
	hash.Write(body)
	ctx, cancel := context.WithTimeout(h.t.Context(), 30*time.Second)
	defer cancel()
	url := "https://" + address + "/hooks/" + h.source.Namespace + "/main"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	h.Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Livepeer-Signature", "t=1,v1="+hex.EncodeToString(hash.Sum(nil)))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: h.roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// reaches changes a task, tells a replica, and waits for the object.
func (h *hooks) reaches(address, id string) {
	h.t.Helper()
	h.change(id)
	h.Eventually(func() int { return h.send(address, id, hookSecret) }, soon).Should(Equal(http.StatusAccepted))
	h.Eventually(func() string { return h.mirrored()[id] }, soon).Should(Equal(h.wanted()[id]))
}

// wanted tells when each task was last updated in Studio, and mirrored the same of the cluster.
func (h *hooks) wanted() map[string]string {
	updated := map[string]string{}
	for _, id := range h.studio.IDs() {
		task, _ := h.studio.Get(id)
		status, _ := task["status"].(map[string]any)
		updated[id] = fmt.Sprint(status["updatedAt"])
	}
	return updated
}

func (h *hooks) mirrored() map[string]string {
	list := &v1alpha1.LivepeerTaskList{}
	h.Expect(h.client.List(h.t.Context(), list, client.InNamespace(h.source.Namespace))).To(Succeed())
	updated := map[string]string{}
	for i := range list.Items {
		if at := list.Items[i].Status.UpdatedAt; at != nil {
			updated[list.Items[i].Spec.ID] = fmt.Sprint(at.UnixMilli())
		}
	}
	return updated
}
