// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

// ReceiveWebhooks makes the operator receive Studio's webhooks. Address, Certificate and Election of the configuration are
// the caller's; the rest is filled in.
func ReceiveWebhooks(config webhook.Config) Option {
	return func(s *settings) { s.receiver = &config }
}

var errNotLeading = errors.New("this replica does not follow sources, or not yet, or not any more")

// deliveries are what the receiver may know of the sources, and where its hints go.
type deliveries struct {
	sources *SourceReconciler
}

var _ webhook.Sources = &deliveries{}

// setUpReceiver adds the receiver to the manager, where one is wanted.
func setUpReceiver(mgr ctrl.Manager, config *webhook.Config, sources *SourceReconciler) error {
	if config == nil {
		return nil
	}
	sources.reception.on, sources.reception.events = true, sources.events
	config.Sources, config.Metrics = &deliveries{sources: sources}, crmetrics.Registry
	config.Log = log.New(verbose{mgr.GetLogger().WithName("receiver").V(1)}, "", 0)
	server, err := webhook.New(*config)
	if err != nil {
		return err
	}
	return mgr.Add(server)
}

// Ready reports whether this replica follows the sources, and knows all of them.
func (d *deliveries) Ready() bool { return d.sources.engine.Running() && d.sources.reception.ready() }

// Secret returns the secret that a source shares with Studio.
func (d *deliveries) Secret(source webhook.Source) ([]byte, bool) {
	key := namespacedName(source)
	open, ok := d.sources.sessions.Current(key)
	if !ok || !open.webhook.usable() || d.sources.reception.claims.owner(key) != key {
		return nil, false
	}
	return []byte(open.webhook.secret.Reveal()), true
}

// Hint has a task looked at.
func (d *deliveries) Hint(hint webhook.Hint) error {
	key := namespacedName(hint.Source)
	d.sources.reception.inTime(key)
	if !d.sources.engine.Running() {
		return errNotLeading
	}
	d.sources.engine.Push(key, hint.TaskID, hint.UpdatedAt, hint.Received)
	return nil
}

// Stale says so in an Event where deliveries keep coming with a wrong time.
func (d *deliveries) Stale(source webhook.Source, age time.Duration) {
	key := namespacedName(source)
	if !d.sources.reception.tooLate(key, time.Now()) {
		return
	}
	object := &v1alpha1.LivepeerTaskSource{}
	if err := d.sources.client.Get(context.Background(), key, object); err != nil {
		return // gone meanwhile: the cache answers
	}
	now := time.Now()
	d.sources.reception.warn(object, reasonStaleWebhook, fmt.Sprintf("Genuine webhooks are refused because they were signed %s away "+
		"from now; 5 minutes are allowed. Set the clocks of the cluster's nodes right. Polling goes on", age.Abs().Round(time.Second)),
		now.Truncate(staleTold))
}

func namespacedName(source webhook.Source) types.NamespacedName {
	return types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
}

// verbose logs what anybody can cause by connecting, for those who look for it.
type verbose struct{ logr.Logger }

func (v verbose) Write(line []byte) (int, error) {
	v.Info("Connection failed", "error", string(line))
	return len(line), nil
}
