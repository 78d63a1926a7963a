// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"crypto/tls"
	"fmt"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

// The credentials of the source itself. What they are made of is in no other test.
const (
	canaryKey     = "cnrykey0-61a0-4254-9875-f71f4c605bc7"
	canaryWebhook = "cnrywhk0Zq7Xv9Kp2LmR4"
	// canarySecret marks the Secrets that hold them.
	canarySecret = "test/canary"
)

// canary is the credential at the place with this number; it can't be told from others by its looks.
func canary(n int) string { return fmt.Sprintf("cNry%04dZq7Xv9Kp2LmR4", n) }

// TestNoCanaryLeaves: tasks hold a credential at every place where one can hide, and the API's errors quote them and the
// key. None of it is in any object of the cluster, in what etcd has ever stored, in Events, in the log at its most
// verbose, or in the metrics. Task IDs are the one thing that is shown as it is: a task is found by it.
func TestNoCanaryLeaves(t *testing.T) {
	valuesOnly(t)
	t.Parallel()
	w := newWorld(t)
	w.studio = livepeertest.NewServer()
	w.studio.AddKey(canaryKey, livepeertest.ProjectID)
	w.server.Config.Handler = w.studio
	for n, place := range taskPlaces {
		w.Expect(w.studio.PutRaw(taskWith(n, place))).To(Succeed(), place.json)
	}
	w.canarySecrets()
	w.source("main")
	troubled := w.troubledSources()

	log := &record{}
	logger := funcr.NewJSON(log.add, funcr.Options{Verbosity: 127, LogCaller: funcr.All, LogTimestamp: true})
	address := freeAddress(w)
	w.startOperatorWith(ctrl.Options{Logger: logger}, controller.Config{Receiver: &webhook.Config{Address: address}})
	w.eventuallyReady("main", v1alpha1.ReasonSynced)
	w.Eventually(func() map[string]string { return w.reasons(troubled) }, soon, tick).Should(Equal(troubled))
	w.everyPlaceIsNamed()
	w.healOne()
	w.pushOne(address)
	w.wrongKey()
	w.stop()

	seen := log.text()
	w.Expect(seen).To(ContainSubstring(w.namespace), "the log is not the operator's")
	w.Expect(seen).To(ContainSubstring("Request Body"), "the log is not at its most verbose")
	search(t, "the log", seen)
	search(t, "the metrics", w.metrics())
	objects := w.objects()
	w.Expect(len(objects)).To(BeNumerically(">", len(taskPlaces)))
	for name, object := range objects {
		search(t, name, object)
	}
	search(t, "etcd", w.etcdLog(), "cnrykey0", "cnrywhk0", canary(len(taskPlaces))[:8]) // where the Secrets are
}

// canarySecrets makes the Secret of all sources, and some that can't be used.
func (w *world) canarySecrets() {
	w.t.Helper()
	secret := canary(len(taskPlaces))
	for name, data := range map[string]map[string]string{
		"livepeer": {"apiKey": canaryKey, "webhookSecret": canaryWebhook, "unused": secret},
		"bad-key":  {"apiKey": canaryKey + "\n" + secret},
		"bad-ca": {"apiKey": canaryKey,
			"ca.crt": "-----BEGIN PRIVATE KEY-----\n" + secret + "\n-----END PRIVATE KEY-----"},
	} {
		applied := map[string]string{corev1.LastAppliedConfigAnnotation: fmt.Sprint(data), canarySecret: ""} // as kubectl apply does
		object := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Annotations: applied}, StringData: data,
		}
		w.Expect(w.client.Create(w.ctx, object)).To(Succeed())
	}
}

// troubledSources makes a source for each way in which the API or the configuration can fail, and returns the reason
// that each is to have.
func (w *world) troubledSources() map[string]string {
	w.t.Helper()
	reasons := map[string]string{}
	for i, trouble := range canaryTroubles(w) {
		server := httptest.NewUnstartedServer(trouble.answer)
		server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
		if trouble.certificate == nil {
			server.Start()
		} else {
			server.TLS = &tls.Config{Certificates: []tls.Certificate{*trouble.certificate}, MinVersion: tls.VersionTLS12}
			server.StartTLS()
		}
		w.t.Cleanup(server.Close)
		name := fmt.Sprintf("trouble-%02d", i)
		w.source(name, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.URL = server.URL + "/api" })
		reasons[name] = trouble.reason
	}
	for _, name := range []string{"bad-key", "bad-ca"} {
		w.source(name, func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.SecretRef.Name = name })
		reasons[name] = v1alpha1.ReasonInvalidSecret
	}
	return reasons
}

// reasons returns the present reasons of these sources.
func (w *world) reasons(sources map[string]string) map[string]string {
	w.t.Helper()
	present := map[string]string{}
	for name := range sources {
		present[name] = ""
		if ready := meta.FindStatusCondition(w.getSource(name).Status.Conditions, v1alpha1.ConditionReady); ready != nil {
			present[name] = ready.Reason
		}
	}
	return present
}

// everyPlaceIsNamed expects each masked field in redactedFields, and what is of use to be left.
func (w *world) everyPlaceIsNamed() {
	w.t.Helper()
	for n, place := range taskPlaces {
		task := w.task(taskID(n))
		named := slices.Concat(task.Spec.RedactedFields, task.Status.RedactedFields)
		if place.field == "" {
			w.Expect(named).To(BeEmpty(), place.json)
			continue
		}
		w.Expect(named).To(ContainElement(place.field), place.json)
	}
}

// pushOne delivers webhooks that hold a credential: one that is genuine, one that is stale, one that is forged.
func (w *world) pushOne(address string) {
	w.t.Helper()
	url := "http://" + address + "/hooks/" + w.namespace + "/main"
	for age, status := range map[time.Duration]int{0: http.StatusAccepted, time.Hour: http.StatusUnauthorized} {
		body := fmt.Appendf(nil, `{"id":%q,"timestamp":%d,"event":"task.updated","payload":{"task":{"id":%[3]q,"snapshot":{"id":%[3]q}}}}`,
			canary(0), time.Now().Add(-age).UnixMilli(), w.studio.IDs()[0])
		w.Eventually(func() int { return deliver(w.ctx, url, body, canaryWebhook) }, soon, tick).Should(Equal(status))
		w.Expect(deliver(w.ctx, url, body, canaryWebhook+"x")).To(Equal(http.StatusUnauthorized))
	}
}

// healOne has the other controller write a task as well.
func (w *world) healOne() {
	w.t.Helper()
	before := w.task(taskID(0))
	after := before.DeepCopy()
	after.Spec.Type = "changed"
	w.Expect(w.client.Patch(w.ctx, after, client.MergeFrom(before))).To(Succeed())
	w.Eventually(func() string { return w.task(taskID(0)).Spec.Type }, soon, tick).Should(Equal(before.Spec.Type))
}

// wrongKey has Studio refuse the key, and say which.
func (w *world) wrongKey() {
	w.t.Helper()
	w.studio.RemoveKey(canaryKey)
	ready := w.eventuallyReady("main", v1alpha1.ReasonUnauthorized)
	w.Expect(ready.Message).To(ContainSubstring("[redacted]"))
	w.Expect(meta.IsStatusConditionTrue(w.getSource("main").Status.Conditions, v1alpha1.ConditionStalled)).To(BeTrue())
}

func taskID(n int) string { return fmt.Sprintf("task-%04d", n) }

func taskWith(n int, place place) []byte {
	status := ""
	if !strings.Contains(place.json, `"status":`) {
		status = fmt.Sprintf(`,"status":{"phase":"running","updatedAt":%d}`, time.Now().UnixMilli())
	}
	return fmt.Appendf(nil, `{"id":%q,"createdAt":1700000000000,%s%s}`, taskID(n), place.filled(n), status)
}
