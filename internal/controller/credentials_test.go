// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	sdk "github.com/cloudevents/sdk-go/v2/event"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// TestOnlyWhatIsMeantForThemIsSent: somebody who may edit sources, and not read Secrets, can't have the operator send them a
// credential that was not stored for a Studio or a sink: neither from a Secret of another type, nor from another key.
func TestOnlyWhatIsMeantForThemIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Int64
	sink := newEventSink(t)
	sink.act(func(http.ResponseWriter, *http.Request, int, *sdk.Event) (answered, taken bool) {
		asked.Add(1)
		return false, true
	})
	w.studio.Populate(5, 1)
	w.secret(livepeertest.APIKey)
	w.Expect(w.client.Create(w.ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "victim"}})).To(Succeed())
	const stolen = "bm90-for-a-sink"
	everyKey := map[string]string{"apiKey": livepeertest.APIKey, "sinkToken": stolen, "token": stolen, "ca.crt": ""}
	of := func(name string, kind corev1.SecretType, more map[string]string) {
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: w.namespace, Name: name, Annotations: map[string]string{corev1.ServiceAccountNameKey: "victim"},
			},
			Type: kind, StringData: more,
		}
		w.Expect(w.client.Create(w.ctx, secret)).To(Succeed())
	}
	plus := func(key, value string) map[string]string {
		data := map[string]string{key: value}
		maps.Copy(data, everyKey)
		return data
	}
	says := map[string]string{}
	for name, data := range map[corev1.SecretType]map[string]string{
		corev1.SecretTypeServiceAccountToken: everyKey,
		corev1.SecretTypeDockerConfigJson:    plus(corev1.DockerConfigJsonKey, "{}"),
		corev1.SecretTypeBasicAuth:           plus(corev1.BasicAuthPasswordKey, stolen),
		corev1.SecretTypeTLS:                 plus(corev1.TLSCertKey, ""),
		"bootstrap.kubernetes.io/token":      everyKey,
		"helm.sh/release.v1":                 everyKey,
	} {
		if name == corev1.SecretTypeTLS {
			data[corev1.TLSPrivateKeyKey] = ""
		}
		secret := fmt.Sprintf("typed-%d", len(says))
		of(secret, name, data)
		says[secret] = fmt.Sprintf("is of type %q, and only type Opaque is read", name)
	}
	of("other-key", corev1.SecretTypeOpaque, map[string]string{"token": stolen, "password": stolen, "SINKTOKEN": stolen, "sinktoken": stolen})
	says["other-key"] = `has no `
	for secret := range says {
		w.source("from-"+secret, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.SecretRef.Name = secret })
		w.source("to-"+secret, sink.spec, func(spec *v1alpha1.LivepeerTaskSourceSpec) {
			spec.Types = []string{"none of " + secret}
			spec.Notify.CloudEvents.SecretRef = &v1alpha1.SecretReference{Name: secret}
		})
	}
	w.startOperator()
	for secret, message := range says {
		ready := w.eventuallyReady("from-"+secret, v1alpha1.ReasonInvalidSecret)
		w.Expect(ready.Message).To(And(ContainSubstring(message), Not(ContainSubstring(stolen))))
		mute := w.delivering("to-"+secret, v1alpha1.ReasonInvalidSink)
		w.Expect(mute.Message).To(And(ContainSubstring(message), Not(ContainSubstring(stolen))))
	}
	w.Expect(asked.Load()).To(BeZero())
	for _, request := range w.studio.Requests() {
		w.Expect(request.Status).To(Or(Equal(http.StatusOK), Equal(http.StatusNotModified)), "asked with another key")
		w.Expect(request.Method).To(Equal(http.MethodGet))
	}
}
