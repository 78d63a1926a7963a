// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	informerWorkers = 16
	digestKey       = "bench.livepeer.org/digest"
)

// measureInformer does the operator's job as a good engineer writes it in an afternoon: an informer's cache tells what is there, a digest
// of the answer in an annotation whether it is what was read, 16 workers apply what is not, on the server's side.
func measureInformer(ctx context.Context, r *runner) error {
	return r.measurePeer(ctx, "informer", func(s *stage, a *account, passes func(func() error) error) error {
		return s.withCache(ctx, func(known client.Reader) error {
			return passes(func() error { return s.applyAll(ctx, a, known) })
		})
	})
}

// withCache runs f with an informer's cache of the tasks.
func (s *stage) withCache(ctx context.Context, f func(known client.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known, err := cache.New(s.rivalConfig, cache.Options{
		Scheme: s.bed.Admin.Scheme(), DefaultNamespaces: map[string]cache.Config{namespace: {}},
	})
	if err != nil {
		return err
	}
	if _, err := known.GetInformer(ctx, &v1alpha1.LivepeerTask{}); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return known.Start(ctx) })
	group.Go(func() error {
		defer cancel()
		if !known.WaitForCacheSync(ctx) {
			return errors.New("the informer's cache was not filled")
		}
		return f(known)
	})
	return group.Wait()
}

// applyAll makes one pass over the account, page by page, with several workers.
func (s *stage) applyAll(ctx context.Context, a *account, known client.Reader) error {
	redactor := redact.New(livepeertest.APIKey)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(informerWorkers)
	for skip := 0; skip < len(a.ids); skip += 1000 {
		tasks, err := a.page(ctx, skip)
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		for _, raw := range tasks {
			group.Go(func() error { return s.applyOne(ctx, known, raw, redactor) })
		}
	}
	return group.Wait()
}

// applyOne applies a task that is not as it was read: with a digest of that, and then its status.
func (s *stage) applyOne(ctx context.Context, known client.Reader, raw json.RawMessage, redactor *redact.Redactor) error {
	var read struct{ ID string }
	if err := json.Unmarshal(raw, &read); err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	digest := hex.EncodeToString(sum[:])
	there := &v1alpha1.LivepeerTask{}
	err := known.Get(ctx, client.ObjectKey{Namespace: namespace, Name: mirror.Names(read.ID)[0]}, there)
	if client.IgnoreNotFound(err) != nil || err == nil && there.Annotations[digestKey] == digest {
		return err
	}
	task, err := desired(raw, namespace, redactor)
	if err != nil {
		return err
	}
	observed(&task.Status)
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(task)
	if err != nil {
		return err
	}
	meta := map[string]any{"namespace": task.Namespace, "name": task.Name}
	status := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": meta, "status": object["status"],
	}}
	delete(object, "status")
	whole := &unstructured.Unstructured{Object: object}
	whole.SetAnnotations(map[string]string{digestKey: digest})
	if err := s.rival.Apply(ctx, client.ApplyConfigurationFromUnstructured(whole), client.FieldOwner(rivalName)); err != nil {
		return err
	}
	return s.rival.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(status), client.FieldOwner(rivalName))
}
