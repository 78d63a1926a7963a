// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/livepeer"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// CacheOptions make the cache keep LivepeerTasks in their compact form.
func CacheOptions() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{
		&v1alpha1.LivepeerTask{}: {Transform: compact},
	}
}

func compact(obj any) (any, error) {
	if task, ok := obj.(*v1alpha1.LivepeerTask); ok {
		mirror.Compact(task)
	}
	return obj, nil
}

// Option changes what Setup sets up.
type Option func(*settings)

type settings struct{ hosts livepeer.Hosts }

// AllowHosts says where sources may point to. Without it, that is what livepeer.Hosts permits by default.
func AllowHosts(hosts livepeer.Hosts) Option {
	return func(s *settings) { s.hosts = hosts }
}

// Setup registers both reconcilers, and the check of whether they are ready, with a manager whose cache was made with
// CacheOptions. userAgent names the operator to the APIs it polls.
func Setup(ctx context.Context, mgr ctrl.Manager, userAgent string, options ...Option) error {
	var settings settings
	for _, option := range options {
		option(&settings)
	}
	metadataClient, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("client for metadata: %w", err)
	}
	index := newTaskIndex()
	informer, err := mgr.GetCache().GetInformer(ctx, &v1alpha1.LivepeerTask{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("informer for LivepeerTasks: %w", err)
	}
	registration, err := informer.AddEventHandler(index)
	if err != nil {
		return fmt.Errorf("index of LivepeerTasks: %w", err)
	}
	secrets := newSecretStore(mgr.GetAPIReader(), metadataClient)
	sessions := newSessions(secrets, userAgent, settings.hosts)
	lean, err := newLeanClient(mgr)
	if err != nil {
		return err
	}
	writer := newWriter(lean, mgr.GetAPIReader(), index)
	sources := &SourceReconciler{
		client: mgr.GetClient(), sessions: sessions, secrets: secrets, index: index, writer: writer, now: time.Now,
		states: map[types.NamespacedName]*progress{}, indexed: registration.HasSynced,
	}
	if err := sources.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("controller of LivepeerTaskSources: %w", err)
	}
	tasks := &TaskReconciler{
		client: mgr.GetClient(), sessions: sessions, index: index, writer: writer, syncSoon: sources.syncSoon,
		limiters: map[types.NamespacedName]*rate.Limiter{},
	}
	if err := tasks.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("controller of LivepeerTasks: %w", err)
	}
	return mgr.AddReadyzCheck("tasks", func(*http.Request) error {
		if !registration.HasSynced() {
			return errors.New("the stored LivepeerTasks are not read yet: are the CRDs installed, and may the operator list them?")
		}
		return nil
	})
}
