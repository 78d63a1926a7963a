// SPDX-License-Identifier: Apache-2.0

package taskfeed

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// Pauses between attempts to read a task that somebody else may have written.
const (
	readDelay    = time.Second
	maxReadDelay = 30 * time.Second
	// faultDelay is the pause after a fault of the operator, which the log has with its stack each time.
	faultDelay = 5 * time.Minute
)

// Feeds are all feeds of an index.
type Feeds []*feed

// Synced reports whether all stored tasks were read that the operator may read. Before planning in a namespace, check Known: it may be
// one that the operator may not read.
func (all Feeds) Synced() bool {
	return slices.ContainsFunc(all, (*feed).HasSynced) &&
		!slices.ContainsFunc(all, func(f *feed) bool { return !f.HasSynced() && !f.Refused() })
}

// Known reports whether the stored tasks of a namespace were read.
func (all Feeds) Known(namespace string) bool {
	return slices.ContainsFunc(all, func(f *feed) bool {
		return (f.namespace == namespace || f.namespace == metav1.NamespaceAll) && f.HasSynced()
	})
}

// Ready is a readiness check: the CRD is there, and the stored tasks were read.
func (all Feeds) Ready(*http.Request) error {
	switch {
	case slices.ContainsFunc(all, func(f *feed) bool { return !f.Served() }):
		return errors.New("the API server does not know LivepeerTasks: install the CRDs")
	case !all.Synced():
		return errors.New("the stored LivepeerTasks are not read yet: may the operator list them?")
	}
	return nil
}

// Config says which tasks to follow.
type Config struct {
	// Namespaces are those of the tasks; none means all.
	Namespaces []string
	// Shared: other operators write tasks there too. With a metadata watch, each of their writes would take a request to read
	// the task.
	Shared bool
}

// Open lets a manager keep the index in step with the stored tasks.
func Open(mgr ctrl.Manager, index *taskstore.Index, config Config) (Feeds, error) {
	metadataClient, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("client for metadata: %w", err)
	}
	tasks, err := taskstore.RESTClient(mgr)
	if err != nil {
		return nil, err
	}
	watching, err := client.NewWithWatch(mgr.GetConfig(), client.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
	})
	if err != nil {
		return nil, fmt.Errorf("client for LivepeerTasks: %w", err)
	}
	reads := newReads()
	index.NotifyUnread(reads.Add)
	var all Feeds
	namespaces, elected := config.Namespaces, mgr.Elected()
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	if config.Shared {
		elected = nil
	}
	for _, namespace := range namespaces {
		f := &feed{
			namespace: namespace, index: index, client: watching, tasks: tasks, metadata: metadataClient, elected: elected, reads: reads,
			log: mgr.GetLogger().WithName("tasks"),
		}
		if err := mgr.Add(f); err != nil {
			return nil, fmt.Errorf("feed of LivepeerTasks: %w", err)
		}
		all = append(all, f)
	}
	return all, nil
}

// newReads returns the queue of tasks to be read. Namespaces take turns: thousands of edits in one do not delay others.
func newReads() workqueue.TypedRateLimitingInterface[types.NamespacedName] {
	delaying := workqueue.TypedDelayingQueueConfig[types.NamespacedName]{
		Queue: workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[types.NamespacedName]{
			Queue: turns{fair.NewLine[types.NamespacedName]()},
		}),
	}
	return workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](readDelay, maxReadDelay),
		workqueue.TypedRateLimitingQueueConfig[types.NamespacedName]{
			DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(delaying),
		})
}

// turns is the order of a workqueue.
type turns struct {
	*fair.Line[types.NamespacedName]
}

// Push lets a task wait for its namespace's turn.
func (t turns) Push(key types.NamespacedName) { t.Line.Push(key.Namespace, key) }

// Touch does nothing: a task that waits already has its place.
func (turns) Touch(types.NamespacedName) {}
