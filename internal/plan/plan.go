// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"iter"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// Verb is what an action does.
type Verb string

const (
	// Create stores a new task: the object, then its status.
	Create Verb = "Create"
	// Update corrects spec, labels and owner, then the status.
	Update Verb = "Update"
	// UpdateStatus replaces the status.
	UpdateStatus Verb = "UpdateStatus"
	// Delete removes a stored task.
	Delete Verb = "Delete"
)

// Why a stored task is deleted.
const (
	// BecauseDeleted: a complete listing lacked the task, and by ID Studio said that it is gone.
	BecauseDeleted = "Deleted"
	// BecauseHistory: the task is finished and beyond the limits of history.
	BecauseHistory = "History"
	// BecauseType: the task's type is not among those to mirror.
	BecauseType = "Type"
)

// Action is one step to make the mirror match what was observed.
type Action struct {
	Verb Verb
	// Stored is the object as the index knows it; zero for Create.
	Stored mirror.Entry
	// Desired is the object as it should be, without resource version and observed generation; nil for Delete.
	Desired *v1alpha1.LivepeerTask
	// Content has the digests of what is written of Desired.
	Content mirror.Content
	// Observation is what the action follows from; nil for a Delete by Limits or Deletion.
	Observation *mirror.Observation
	// Because is set for Delete.
	Because string
}

// ID is that of the task, as it was observed if it was.
func (a *Action) ID() string {
	if a.Observation != nil {
		return a.Observation.ID
	}
	return a.Stored.ID
}

// Scope says which observations of a source are mirrored, and where.
type Scope struct {
	Namespace string
	// Source and SourceUID name the LivepeerTaskSource.
	Source    string
	SourceUID types.UID
	// Types are the task types to mirror; empty means all.
	Types []string
	// Oldest is the oldest finished task that history keeps; see the function Oldest.
	Oldest mirror.Stamp
	// OldestNew is the oldest finished task that may be created: history must not bring back what it pruned.
	OldestNew mirror.Stamp
	// Notify: CloudEvents are sent for the phases that tasks reach; for new tasks, only if they changed after NotifyAfter, in
	// milliseconds since 1970. New tasks have Kubernetes Events only if they were created after it.
	Notify      bool
	NotifyAfter int64
	// StalledBefore, in milliseconds since 1970: a task that waits or runs counts as stalled if its last update was before this
	// time; 0: none does.
	StalledBefore int64
}

// Lookup finds a stored task of the scope's namespace by the name of its object.
type Lookup func(name string) (mirror.Entry, bool)

// Any reports whether there is a stored task by one of these names.
func (l Lookup) Any(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, stored := l(name)
		return stored
	})
}

// ByID finds the stored task whose object has this ID. It may be edited.
func (l Lookup) ByID(id string) (stored mirror.Entry, found bool) {
	for _, name := range mirror.Names(id) {
		if stored, found = l(name); found && stored.ID == id {
			return stored, true
		}
	}
	return mirror.Entry{}, false
}

// Free reports whether no object has this ID, and one of the names that its object could have is free.
func (l Lookup) Free(id string) bool {
	if _, found := l.ByID(id); found {
		return false
	}
	return slices.ContainsFunc(mirror.Names(id), func(name string) bool {
		_, stored := l(name)
		return !stored
	})
}

// Result is what Plan found.
type Result struct {
	Actions []Action
	// Conflicts are the IDs of tasks in scope that another source mirrors in this namespace.
	Conflicts []string
	// Omitted are the IDs of tasks beyond the limits of history that are not mirrored.
	Omitted []string
	// Nameless are the IDs of tasks that are not mirrored because other tasks have taken every possible name of their objects.
	Nameless []string
	// Current are the stored tasks that equal their observation.
	Current []mirror.Entry
	// Stale counts observations that are older than what is stored.
	Stale int
}

// Plan compares observed tasks with the stored ones and says what to write, in the order of the observations. It never
// plans to delete a task that was not observed, and plans nothing for a task that has not changed: after its actions were carried
// out, the same observations yield none.
func Plan(scope Scope, observed []*mirror.Observation, lookup Lookup) Result {
	p := planner{scope: scope, lookup: lookup, taken: map[string]string{}}
	for _, observation := range observed {
		p.plan(observation)
	}
	return p.result
}

type planner struct {
	scope  Scope
	lookup Lookup
	taken  map[string]string // names that this plan has assigned, with the ID of the task
	result Result
}

func (p *planner) plan(observation *mirror.Observation) {
	stored, found, free := p.find(observation.ID)
	switch {
	case found && !p.owns(&stored):
		if p.scope.Includes(observation.Spec.Type) {
			p.result.Conflicts = append(p.result.Conflicts, observation.ID)
		}
	case found && stored.Deleting:
		// The task is created again once the object is gone: the index reports its deletion, and the task is read again.
	case observation.Deleted:
		// The object is deleted only if a complete listing lacks the task as well: see Deletion.
	case found && older(observation, &stored):
		p.result.Stale++
	case !p.scope.Includes(observation.Spec.Type):
		if p.named(&stored) && !p.scope.contested(&stored) {
			p.delete(stored, found, observation, BecauseType)
		}
	case p.expired(observation, found) && !slices.Contains(stored.PossibleIDs(), observation.ID): // else it is put right first, see Limits
		p.result.Omitted = append(p.result.Omitted, observation.ID)
		p.delete(stored, found, observation, BecauseHistory)
	case !found:
		p.create(observation, free)
	default:
		p.update(observation, stored)
	}
}

// CanBeMissing reports whether a stored task may be deleted because the API no longer has it. If somebody edited its
// ID, owner or source label, the API was asked about another task, or another API was asked: such an object is repaired when
// its task is observed, and kept otherwise.
func CanBeMissing(scope *Scope, stored *mirror.Entry) bool {
	return !stored.Deleting && stored.OwnerUID == scope.SourceUID && stored.SourceLabel == scope.Source && !stored.EditedID &&
		stored.LeadsToName()
}

// Deletion plans the deletion of a stored task that a complete listing lacked and that is gone by its ID, if it CanBeMissing.
func Deletion(scope *Scope, stored *mirror.Entry) []Action {
	if !CanBeMissing(scope, stored) {
		return nil
	}
	return []Action{{Verb: Delete, Stored: *stored, Because: BecauseDeleted}}
}

// older reports whether the observation is older than what is stored, as from a list that a lagging replica answered.
func older(observation *mirror.Observation, stored *mirror.Entry) bool {
	updatedAt := observation.Status.UpdatedAt
	return updatedAt != nil && updatedAt.UnixMilli() < stored.UpdatedAt
}

// find looks for the stored task with this ID. If there is none, it returns the first free name for it; "" if every name is taken,
// or if this plan creates the task already.
func (p *planner) find(id string) (stored mirror.Entry, found bool, free string) {
	names := mirror.Names(id)
	for _, name := range names {
		entry, exists := p.lookup(name)
		if !exists || entry.ID != id {
			continue
		}
		if stored, found = entry, true; !entry.EditedID {
			break
		} // else the object may belong to another task
	}
	if found && !stored.EditedID {
		return stored, true, ""
	}
	for _, name := range names { // an object of this source whose ID was edited, before one whose ID was edited to this one
		if entry, exists := p.lookup(name); exists && p.named(&entry) && corrupt(&entry) {
			return entry, true, ""
		}
	}
	if found {
		return stored, true, ""
	}
	for _, name := range names { // an edited object of another source may be this very task, until that source repairs the ID
		if entry, exists := p.lookup(name); exists && !p.owns(&entry) && corrupt(&entry) {
			return entry, true, ""
		}
	}
	for _, name := range names {
		if _, exists := p.lookup(name); exists {
			continue
		}
		holder, taken := p.taken[name]
		if taken && holder == id {
			return mirror.Entry{}, false, ""
		}
		if !taken {
			return mirror.Entry{}, false, name
		}
	}
	return mirror.Entry{}, false, ""
}

// corrupt reports whether somebody edited the ID of a task. The edited ID then does not lead to the object's name; or it does,
// since it differs from the true ID in case only, and EditedID tells.
func corrupt(entry *mirror.Entry) bool {
	return entry.EditedID || !entry.LeadsToName()
}

// owns reports whether the stored task is this source's to write: its own, nobody's (the owner was edited away), or an
// earlier source's of the same name.
func (p *planner) owns(entry *mirror.Entry) bool {
	return entry.OwnerUID == "" || p.named(entry)
}

// named reports whether owner or label name this source, or an earlier one of the same name.
func (p *planner) named(entry *mirror.Entry) bool {
	return entry.OwnerUID == p.scope.SourceUID || entry.OwnerName == p.scope.Source || entry.SourceLabel == p.scope.Source
}

// expired reports whether the observed task is finished, and either beyond the limits of history, or not stored and so old that
// history may have pruned it.
func (p *planner) expired(observation *mirror.Observation, found bool) bool {
	if !v1alpha1.IsFinishedPhase(observation.Status.Phase) {
		return false
	}
	stamp := mirror.StampOf(observation)
	return stamp.Compare(p.scope.Oldest) < 0 || !found && stamp.Compare(p.scope.OldestNew) < 0
}

// delete plans the deletion of a task that is beyond a limit; not if its ID was edited, since it may be another task's object.
func (p *planner) delete(stored mirror.Entry, found bool, observation *mirror.Observation, because string) {
	if found && stored.ID == observation.ID && !stored.EditedID {
		p.result.Actions = append(p.result.Actions,
			Action{Verb: Delete, Stored: stored, Observation: observation, Because: because})
	}
}

func (p *planner) create(observation *mirror.Observation, name string) {
	if name == "" {
		if !slices.Contains(slices.Collect(maps.Values(p.taken)), observation.ID) {
			p.result.Nameless = append(p.result.Nameless, observation.ID)
		}
		return
	}
	p.taken[name] = observation.ID
	desired := p.scope.desired(observation, name)
	p.result.Actions = append(p.result.Actions,
		Action{Verb: Create, Desired: desired, Content: mirror.ContentOf(desired), Observation: observation})
}

func (p *planner) update(observation *mirror.Observation, stored mirror.Entry) {
	desired := p.scope.desired(observation, stored.Name)
	content := mirror.ContentOf(desired)
	verb := UpdateStatus
	switch {
	case content.SpecDigest != stored.SpecDigest:
		verb = Update
	case content.StatusDigest == stored.StatusDigest && stored.ObservedGeneration == stored.Generation:
		p.result.Current = append(p.result.Current, stored)
		return
	}
	p.result.Actions = append(p.result.Actions,
		Action{Verb: verb, Stored: stored, Desired: desired, Content: content, Observation: observation})
}

// Limits plans the deletion of stored tasks of the source that are no longer within types or history, because the spec changed or newer
// tasks came. It needs no observation: what is stored tells both.
func Limits(scope Scope, stored iter.Seq[*mirror.Entry]) []Action {
	var actions []Action
	for entry := range stored {
		because := ""
		switch {
		case entry.Deleting || entry.OwnerUID != scope.SourceUID, !scope.Includes(entry.Type) && scope.contested(entry):
		case !scope.Includes(entry.Type) && !entry.EditedType:
			because = BecauseType
		case entry.Finished() && entry.UpdatedAt != 0 && entry.Stamp().Compare(scope.Oldest) < 0:
			because = BecauseHistory
		}
		if because != "" {
			actions = append(actions, Action{Verb: Delete, Stored: *entry, Because: because})
		}
	}
	return actions
}

// contested reports whether owner or label of a stored task name another source, other than an earlier one of the same name: somebody
// edited them. If its type is not one of this source's types, the task may belong to the other source, which then repairs it.
func (s *Scope) contested(stored *mirror.Entry) bool {
	label := stored.SourceLabel != "" && stored.SourceLabel != s.Source
	return label || stored.OwnerUID != "" && stored.OwnerUID != s.SourceUID && stored.OwnerName != s.Source
}

// Includes reports whether tasks of this type are mirrored.
func (s *Scope) Includes(taskType string) bool {
	return len(s.Types) == 0 || slices.Contains(s.Types, taskType)
}

// Owner is the reference to the source that its tasks have.
func (s *Scope) Owner() metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(),
		Kind:       "LivepeerTaskSource",
		Name:       s.Source,
		UID:        s.SourceUID,
		Controller: new(true),
	}
}

// desired is the object that an observation makes.
func (s *Scope) desired(observation *mirror.Observation, name string) *v1alpha1.LivepeerTask {
	labels := map[string]string{v1alpha1.LabelSource: s.Source}
	if taskType := mirror.LabelValue(observation.Spec.Type); taskType != "" {
		labels[v1alpha1.LabelType] = taskType
	}
	status := observation.Status
	if s.stalls(&status) {
		status = stalled(status)
	}
	return &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{
			Name:      name,
			Namespace: s.Namespace,
			Labels:    labels,
			// No blockOwnerDeletion: nothing has to wait for a mirrored task, and it needs no right on finalizers.
			OwnerReferences: []metav1.OwnerReference{s.Owner()},
		},
		Spec:   observation.Spec,
		Status: status,
	}
}
