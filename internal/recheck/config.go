// SPDX-License-Identifier: Apache-2.0

package recheck

import (
	"context"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// Connection is how the API of a source is asked. Another fingerprint means that it may be another account.
type Connection struct {
	Client      *studio.Client
	Redactor    *redact.Redactor
	Fingerprint string
}

// Config is what the queues of all sources work with.
type Config struct {
	Index  *taskstore.Index
	Writer *taskstore.Writer
	Clock  clock.WithDelayedExecution
	Log    logr.Logger
	// Pushed observes how long it took until what was pushed was stored.
	Pushed prometheus.Observer
	// Connect returns the connection of a source.
	Connect func(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*Connection, error)
	// Gate bounds the questions that are under way.
	Gate *fair.Gate
	// Run runs something in the background. It returns false where nothing is run (any more).
	Run func(work func(ctx context.Context)) bool
}

// Source is the source that questions are about.
type Source interface {
	// Spec returns the source as it is now.
	Spec() *v1alpha1.LivepeerTaskSource
	// Wake has the source synced, as far as something is due.
	Wake()
	// StepSoon has a step of it begin, whatever is due.
	StepSoon()
}
