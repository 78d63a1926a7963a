// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/events"
	"github.com/livepeer/livepeer-task-operator/internal/fair"
	"github.com/livepeer/livepeer-task-operator/internal/taskstore"
)

// Config is what a Reconciler works with.
type Config struct {
	Client  client.Client
	Index   *taskstore.Index
	Writer  *taskstore.Writer
	Sinks   *Sinks
	Metrics *Metrics
	Events  *events.Log
	Now     func() time.Time
	// Indexed reports whether the index knows every stored task.
	Indexed toolscache.InformerSynced
	// Changed is called for a source whose condition has to be written.
	Changed func(source types.NamespacedName)
}

// New returns the reconciler that sends CloudEvents.
func New(config Config) *Reconciler {
	return &Reconciler{
		client: config.Client, index: config.Index, writer: config.Writer, sinks: config.Sinks, metrics: config.Metrics, now: config.Now,
		indexed: config.Indexed, changed: config.Changed, events: config.Events,
		gates: gates{
			steps: fair.NewGate(unlimited, namespaceSteps), doubtful: fair.NewGate(unlimited, namespaceDoubtful),
			tasks: fair.NewGate(tasksRead, namespaceTasksRead),
		},
		runs: runs{running: map[types.NamespacedName]bool{}}, states: map[types.NamespacedName]*sending{},
	}
}

// Health returns what the condition Delivering of a source should say; zero while that is not known of its spec.
func (r *Reconciler) Health(source *v1alpha1.LivepeerTaskSource) Health {
	r.mu.Lock()
	state, ok := r.states[client.ObjectKeyFromObject(source)]
	r.mu.Unlock()
	if !ok || state.uid != source.UID {
		return Health{}
	}
	return state.of(source.Generation)
}

// SetCondition sets the condition Delivering of a source that sends events, and removes it from one that does not. If nothing is
// known yet, as after a restart, the condition stays as it is.
func SetCondition(source *v1alpha1.LivepeerTaskSource, is Health) {
	if !source.SendsEvents() {
		meta.RemoveStatusCondition(&source.Status.Conditions, v1alpha1.ConditionDelivering)
		return
	}
	if is.Reason == "" {
		return
	}
	condition := metav1.Condition{
		Type: v1alpha1.ConditionDelivering, Status: metav1.ConditionTrue,
		Reason: is.Reason, Message: condition.Bounded(is.Message, condition.MaxMessage), ObservedGeneration: source.Generation,
	}
	if is.trouble() {
		condition.Status = metav1.ConditionFalse
	}
	meta.SetStatusCondition(&source.Status.Conditions, condition)
}

// recorded returns what the source's condition Delivering says, and of the spec of which generation.
func recorded(source *v1alpha1.LivepeerTaskSource) (is Health, generation int64) {
	condition := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionDelivering)
	if condition == nil {
		return Health{}, 0
	}
	return Health{Reason: condition.Reason, Message: condition.Message}, condition.ObservedGeneration
}

// saysSo reports whether the source's condition says that already, of the present spec.
func saysSo(source *v1alpha1.LivepeerTaskSource, is Health) bool {
	is.Message = condition.Bounded(is.Message, condition.MaxMessage)
	said, generation := recorded(source)
	return said == is && generation == source.Generation
}

// tellHealth writes an Event on a source whose sending begins to fail, fails for another reason, or works again.
func tellHealth(log *events.Log, source *v1alpha1.LivepeerTaskSource, is Health, now time.Time) {
	log.Tell("LivepeerTaskSource", source, &events.Event{
		Action: events.Sending, Reason: is.Reason, Note: is.Message, Warning: is.trouble(), Identity: []any{now.UnixNano()},
	})
}
