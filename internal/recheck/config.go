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

// Connection is what the API of a source is asked with. Another fingerprint means that it may be another account.
type Connection struct {
	Client      *studio.Client
	Redactor    *redact.Redactor
	Fingerprint string
}

// Config is what the queues of all sources share.
type Config struct {
	Index  *taskstore.Index
	Writer *taskstore.Writer
	Clock  clock.WithDelayedExecution
	Log    logr.Logger
	// Pushed observes the time from a webhook to the write of its task.
	Pushed prometheus.Observer
	// Connect returns the connection of a source.
	Connect func(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*Connection, error)
	// Gate bounds the questions that are under way.
	Gate *fair.Gate
	// Run runs work in the background. It returns false if the engine does not run (any more).
	Run func(work func(ctx context.Context)) bool
}

// Source is the source that questions are about.
type Source interface {
	// Spec returns the source as it is now.
	Spec() *v1alpha1.LivepeerTaskSource
	// Wake requests a sync of the source. A step begins if one is due.
	Wake()
	// StepSoon requests a sync that begins a step, even if nothing is due.
	StepSoon()
}
