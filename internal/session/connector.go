// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/recheck"
	"github.com/livepeer/livepeer-task-operator/internal/webhook/backend"
)

// Connector opens the sessions of sources, and tells the backend of webhooks about them.
type Connector struct {
	Sessions *Sessions
	// Webhooks is the backend of webhooks; nil if none are received.
	Webhooks *backend.Backend
}

// Connect opens the connection of a source.
func (c *Connector) Connect(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*recheck.Connection, error) {
	session, fingerprint, err := c.open(ctx, source)
	if err != nil {
		return nil, err
	}
	if c.Webhooks != nil {
		c.Webhooks.Tell(source, fingerprint)
	}
	return &recheck.Connection{Client: session.client, Redactor: session.redactor, Fingerprint: fingerprint}, nil
}

// open opens the session of a source.
func (c *Connector) open(ctx context.Context, source *v1alpha1.LivepeerTaskSource) (*session, string, error) {
	session, fingerprint, err := c.Sessions.get(ctx, source)
	if c.Webhooks != nil {
		c.Webhooks.Opened(source)
	}
	return session, fingerprint, err
}

// Admit opens the sessions of all existing sources, so that their webhooks are received. It calls forget for those that were deleted or
// suspended meanwhile.
func (c *Connector) Admit(ctx context.Context, forget func(types.NamespacedName)) error {
	if c.Webhooks == nil {
		return nil
	}
	return c.Webhooks.Admit(ctx, func(source *v1alpha1.LivepeerTaskSource) {
		_, _, _ = c.open(ctx, source) // its reconcile will report an error
	}, forget)
}

// Forget drops the session of a source.
func (c *Connector) Forget(source types.NamespacedName) {
	c.Sessions.Forget(source)
	if c.Webhooks != nil {
		c.Webhooks.Forget(source)
	}
}
