// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

// forbiddingAPI shows no Secret.
type forbiddingAPI struct{ *kubetest.API }

func (a *forbiddingAPI) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if _, ok := obj.(*corev1.Secret); ok {
		return apierrors.NewForbidden(corev1.Resource("secrets"), key.Name, nil)
	}
	return a.API.Get(ctx, key, obj, opts...)
}

// TestASinksSecretIsNamedAsTrouble: in the condition, whatever is wrong with the reference.
func TestASinksSecretIsNamedAsTrouble(t *testing.T) {
	for name, c := range map[string]struct{ secret, says string }{
		"no name":   {"a/b", `notify.cloudEvents.secretRef.name "a/b" can't be the name of a Secret`},
		"forbidden": {"kept", "The operator lacks a right in this cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			api := &forbiddingAPI{kubetest.NewAPI("")}
			source := kubetest.ASource()
			source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{
				Sink: "https://sink.example", SecretRef: &v1alpha1.SecretReference{Name: c.secret},
			}}
			_, err := NewSinks(credentials.NewWatcher(api, nil), "test", studio.Hosts{}, studio.NewPool()).of(t.Context(), source)
			trouble, ok := errors.AsType[*Error](err)
			g.Expect(ok).To(BeTrue(), "%v", err)
			g.Expect(trouble.Kind).To(Equal(Unusable))
			g.Expect(trouble.Message).To(ContainSubstring(c.says))
		})
	}
}

// TestAHugeTokenIsRefused: what is made of it to find it in what a sink answers would take hundreds of times as much memory.
func TestAHugeTokenIsRefused(t *testing.T) {
	for length, refused := range map[int]bool{maxToken: false, maxToken + 1: true} {
		_, err := NewSink(SinkConfig{URL: "https://sink.example", Token: studio.NewKey(strings.Repeat("7", length))})
		if trouble, _ := errors.AsType[*Error](err); (trouble != nil && trouble.Kind == Unusable) != refused {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

// trustingAPI has a Secret with authorities under every name.
type trustingAPI struct {
	*kubetest.API

	ca []byte
}

func (a *trustingAPI) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if secret, ok := obj.(*corev1.Secret); ok {
		secret.Name, secret.Namespace, secret.ResourceVersion = key.Name, key.Namespace, "1"
		secret.Type, secret.Data = corev1.SecretTypeOpaque, map[string][]byte{secretKeySinkCA: a.ca}
		return nil
	}
	return a.API.Get(ctx, key, obj, opts...)
}

// TestSinksShareAuthorities: sources whose Secrets have the same ca.crt have it in memory once, whatever sink they lead to.
func TestSinksShareAuthorities(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	api := &trustingAPI{kubetest.NewAPI(""), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}
	sinks := NewSinks(credentials.NewWatcher(api, nil), "test", studio.Hosts{}, studio.NewPool())
	var transports []*http.Transport
	for n := range 2 {
		source := kubetest.ASource()
		source.Name = fmt.Sprint("source-", n)
		source.UID = types.UID(source.Name)
		source.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{
			Sink: fmt.Sprintf("https://sink-%d.example", n), SecretRef: &v1alpha1.SecretReference{Name: source.Name},
		}}
		sink, err := sinks.of(t.Context(), source)
		g.Expect(err).NotTo(HaveOccurred())
		transport, ok := sink.http.Transport.(*http.Transport)
		g.Expect(ok).To(BeTrue())
		transports = append(transports, transport)
	}
	g.Expect(transports[0]).NotTo(BeIdenticalTo(transports[1]))
	g.Expect(transports[0].TLSClientConfig.RootCAs).To(BeIdenticalTo(transports[1].TLSClientConfig.RootCAs))
}
