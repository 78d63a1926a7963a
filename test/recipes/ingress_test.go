// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	hooksHost     = "hooks.example.com" // of the samples
	webhookSecret = "a-shared-secret-of-32-characters"
)

// hooksCluster has the operator's receiver of webhooks, and something before it that ends TLS.
type hooksCluster struct {
	gitopsCluster
	studio   *livepeertest.Server
	ca       *authority // of all certificates
	receiver string     // address
	entry    string     // address of what stands before it
}

// newHooksCluster has a source with a webhook secret, and the Service of the receiver leads to where the operator will listen.
func newHooksCluster(t *testing.T) *hooksCluster {
	t.Helper()
	h := &hooksCluster{gitopsCluster: newGitopsCluster(t), ca: newAuthority(t), entry: "127.0.0.1:" + freePort(t)}
	h.Expect(h.plane.Install(t.Context())).To(Succeed())
	ip, port := ownAddress(t), freePort(t)
	h.receiver = net.JoinHostPort(ip, port)
	number, err := strconv.Atoi(port)
	h.Expect(err).NotTo(HaveOccurred())
	name, at, ready := "receiver", int32(number), true
	h.Expect(h.Create(t.Context(), &discoveryv1.EndpointSlice{ // as a cluster makes it of the Service and the pod
		ObjectMeta: metav1.ObjectMeta{
			Namespace: controlplane.SystemNamespace, Name: receiverName,
			Labels: map[string]string{discoveryv1.LabelServiceName: receiverName},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{ip}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &at}},
	})).To(Succeed())
	var url string
	h.studio, url = h.startStudio()
	newNamespace(t, h, "media")
	h.Expect(h.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "livepeer"},
		StringData: map[string]string{"apiKey": livepeertest.APIKey, "webhookSecret": webhookSecret},
	})).To(Succeed())
	source := sourceCalled("main")
	source.Spec = v1alpha1.LivepeerTaskSourceSpec{
		URL: url, SecretRef: v1alpha1.SecretReference{Name: "livepeer"}, Interval: metav1.Duration{Duration: time.Hour},
		ResyncInterval: metav1.Duration{Duration: time.Hour}, Timeout: metav1.Duration{Duration: gitopsBound},
	}
	h.Expect(h.Create(t.Context(), source)).To(Succeed())
	return h
}

const (
	receiverName = "livepeer-task-operator-receiver"
	internalName = receiverName + "." + controlplane.SystemNamespace + ".svc"
)

// in is the same cluster for a part of the test.
func (h *hooksCluster) in(t *testing.T) *hooksCluster {
	t.Helper()
	part := *h
	part.t, part.Gomega = t, NewWithT(t)
	return &part
}

// speaksTLS waits until the receiver does.
func (h *hooksCluster) speaksTLS() {
	h.t.Helper()
	h.Eventually(func() error {
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		conn, err := dialer.DialContext(h.t.Context(), "tcp", h.receiver)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}, gitopsBound).Should(Succeed())
	h.receives()
}

// ownAddress is one of this machine that is not loopback, which no EndpointSlice takes.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, address := range addresses {
		if ip, ok := address.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback")
	return ""
}

// tlsSecret stores a certificate for a name.
func (h *hooksCluster) tlsSecret(namespace, name, host string) {
	h.t.Helper()
	newNamespace(h.t, h, namespace)
	certificate, key := h.ca.pair(host)
	h.Expect(h.Create(h.t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.crt": certificate, "tls.key": key, "ca.crt": h.ca.pem},
	})).To(Succeed())
}

// receives waits until webhooks for the source are received.
func (h *hooksCluster) receives() {
	h.t.Helper()
	source := sourceCalled("main")
	h.Eventually(func() string {
		h.Expect(h.Get(h.t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
		if source.Status.Receiver == nil {
			return ""
		}
		return source.Status.Receiver.Path
	}, gitopsBound).Should(Equal("/hooks/media/main"))
}

// send posts an event about a task to the public URL, as Studio does, and returns the answer; an error's text where there was none.
func (h *hooksCluster) send(id string) string {
	task, _ := h.studio.Get(id)
	status, _ := task["status"].(map[string]any)
	body := fmt.Appendf(nil, `{"id":"event-%d","timestamp":%d,"event":"task.updated","payload":{"task":{"id":%q,"snapshot":{"status":{"updatedAt":%v}}}}}`,
		time.Now().UnixNano(), time.Now().UnixMilli(), id, status["updatedAt"])
	hash := hmac.New(sha256.New, []byte(webhookSecret))
	hash.Write(body)
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, "https://"+hooksHost+"/hooks/media/main", bytes.NewReader(body))
	h.Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Livepeer-Signature", "t=1,v1="+hex.EncodeToString(hash.Sum(nil)))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(h.ca.pem)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, h.entry)
		},
	}
	response, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		said = append(said, err.Error()...)
	}
	return fmt.Sprint(response.StatusCode, " ", strings.TrimSpace(string(said)))
}

// reaches changes a task, sends a webhook, and waits for the object: the source itself asks once an hour.
func (h *hooksCluster) reaches() {
	h.t.Helper()
	id, at := h.studio.IDs()[0], time.Now().UnixMilli()
	h.Expect(h.studio.Update(id, func(task livepeertest.Task) { task["status"] = map[string]any{"phase": "running", "updatedAt": at} })).To(BeTrue())
	h.Eventually(h.send, gitopsBound, time.Second).WithArguments(id).Should(HavePrefix("202"))
	h.Eventually(func() bool {
		tasks := &v1alpha1.LivepeerTaskList{}
		h.Expect(h.List(h.t.Context(), tasks, client.InNamespace("media"))).To(Succeed())
		for i := range tasks.Items {
			if task := &tasks.Items[i]; task.Spec.ID == id && task.Status.UpdatedAt != nil {
				return task.Status.UpdatedAt.UnixMilli() == at
			}
		}
		return false
	}, gitopsBound).Should(BeTrue())
}
