// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

var testScope = Scope{Namespace: "media", Source: "main", SourceUID: "uid-of-main"}

// failer is what the helpers need of *testing.T and *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

var errOvertaken = errors.New("changed, made or deleted meanwhile")

// apiServer keeps LivepeerTasks by name and does with them what a real API server does: it numbers versions and
// generations, keeps the status apart from the rest, and answers what has been through JSON.
type apiServer struct {
	failer
	objects map[string]*object
	version int64
}

// object is one version of an object: another version is another *object.
type object struct {
	task  *v1alpha1.LivepeerTask
	entry mirror.Entry
}

func (o *object) String() string {
	if o == nil {
		return "nothing"
	}
	data, err := json.Marshal(o.task)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func newAPIServer(t failer) *apiServer {
	return &apiServer{failer: t, objects: map[string]*object{}}
}

// throughJSON returns what the API server answers when it was sent this object: unknown to it are types of Go, and it
// reads free-form JSON into numbers of its own.
func throughJSON(t failer, task *v1alpha1.LivepeerTask) *v1alpha1.LivepeerTask {
	t.Helper()
	sent, err := json.Marshal(task)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var kept map[string]any
	if err := json.Unmarshal(sent, &kept); err != nil {
		t.Fatalf("%s: %v", sent, err)
	}
	answered, err := json.Marshal(kept)
	if err != nil {
		t.Fatalf("%v", err)
	}
	read := &v1alpha1.LivepeerTask{}
	if err := json.Unmarshal(answered, read); err != nil {
		t.Fatalf("%s: %v", answered, err)
	}
	return read
}

// names returns the names of all objects in order.
func (s *apiServer) names() []string {
	return slices.Sorted(maps.Keys(s.objects))
}

// get returns a copy of an object, nil if there is none.
func (s *apiServer) get(name string) *v1alpha1.LivepeerTask {
	if stored := s.objects[name]; stored != nil {
		return stored.task.DeepCopy()
	}
	return nil
}

func (s *apiServer) lookup(name string) (mirror.Entry, bool) {
	if stored := s.objects[name]; stored != nil {
		return stored.entry, true
	}
	return mirror.Entry{}, false
}

// entries returns all that are controlled by the source with this UID.
func (s *apiServer) entries(source types.UID) []mirror.Entry {
	var entries []mirror.Entry
	for _, name := range s.names() {
		if entry, _ := s.lookup(name); entry.OwnerUID == source {
			entries = append(entries, entry)
		}
	}
	return entries
}

// put stores an object under the next version.
func (s *apiServer) put(task *v1alpha1.LivepeerTask) {
	s.Helper()
	s.version++
	task.ResourceVersion = fmt.Sprint(s.version)
	kept := throughJSON(s, task)
	s.objects[task.Name] = &object{task: kept, entry: mirror.EntryOf(kept)}
}

func (s *apiServer) create(task *v1alpha1.LivepeerTask) (*v1alpha1.LivepeerTask, error) {
	if _, exists := s.objects[task.Name]; exists {
		return nil, errOvertaken
	}
	created := task.DeepCopy()
	created.Status = v1alpha1.LivepeerTaskStatus{}
	created.UID = types.UID(fmt.Sprintf("uid-%d", s.version))
	created.Generation = 1
	s.put(created)
	return created, nil
}

// change lets change write an object, if it is still the one of this version. A changed spec is a new generation.
func (s *apiServer) change(name, version string, change func(*v1alpha1.LivepeerTask)) error {
	s.Helper()
	task := s.get(name)
	if task == nil || task.ResourceVersion != version {
		return errOvertaken
	}
	before := mirror.SpecDigest(&v1alpha1.LivepeerTask{Spec: task.Spec})
	change(task)
	if mirror.SpecDigest(&v1alpha1.LivepeerTask{Spec: task.Spec}) != before {
		task.Generation++
	}
	s.put(task)
	return nil
}

// updateStatus replaces the status. The operator owns it from then on, where it says something new.
func (s *apiServer) updateStatus(name, version string, generation int64, status *v1alpha1.LivepeerTaskStatus) error {
	return s.change(name, version, func(task *v1alpha1.LivepeerTask) {
		if !task.Status.UpdatedAt.Equal(status.UpdatedAt) {
			task.ManagedFields = nil
		}
		status.DeepCopyInto(&task.Status)
		task.Status.ObservedGeneration = generation
		for i := range task.Status.Conditions {
			task.Status.Conditions[i].ObservedGeneration = generation
		}
	})
}

// delete removes an object, or marks it where a finalizer holds it.
func (s *apiServer) delete(entry *mirror.Entry) error {
	task := s.get(entry.Name)
	switch {
	case task == nil || task.UID != entry.UID || task.ResourceVersion != entry.ResourceVersion:
		return errOvertaken
	case len(task.Finalizers) > 0:
		task.DeletionTimestamp = new(metav1.Unix(1587667174, 0))
		s.put(task)
	default:
		delete(s.objects, entry.Name)
	}
	return nil
}

// once carries out one action.
func (s *apiServer) once(action *Action) error {
	stored, desired := &action.Stored, action.Desired
	switch action.Verb {
	case Create:
		created, err := s.create(desired)
		if err != nil {
			return err
		}
		return s.updateStatus(created.Name, created.ResourceVersion, created.Generation, &desired.Status)
	case Update:
		err := s.change(stored.Name, stored.ResourceVersion, func(task *v1alpha1.LivepeerTask) {
			task.Spec, task.OwnerReferences = desired.Spec, desired.OwnerReferences
			delete(task.Labels, v1alpha1.LabelType)
			for key, value := range desired.Labels {
				metav1.SetMetaDataLabel(&task.ObjectMeta, key, value)
			}
		})
		if err != nil {
			return err
		}
		now := s.get(stored.Name)
		return s.updateStatus(now.Name, now.ResourceVersion, now.Generation, &desired.Status)
	case UpdateStatus:
		return s.updateStatus(stored.Name, stored.ResourceVersion, stored.Generation, &desired.Status)
	default:
		return s.delete(stored)
	}
}

// apply carries out actions, and plans anew where the object is no longer what it was planned for.
func (s *apiServer) apply(scope Scope, actions []Action) {
	s.Helper()
	for _, action := range actions {
		for attempt := 1; s.once(&action) != nil; attempt++ {
			if attempt > 4 {
				s.Fatalf("no end of conflicts: %v", verbs([]Action{action}))
			}
			plan := Plan(scope, []*mirror.Observation{action.Observation}, s.lookup)
			if len(plan.Actions) == 0 {
				break
			}
			action = plan.Actions[0]
		}
	}
}

// observed is what the API says about a task.
func observed(id, taskType, phase string, updatedAt int64) *mirror.Observation {
	raw, err := json.Marshal(map[string]any{
		"id": id, "type": taskType, "createdAt": 1587667174725, "projectId": "project",
		"params": map[string]any{"upload": map[string]any{"url": "https://example.org/" + taskType}},
		"status": map[string]any{"phase": phase, "updatedAt": updatedAt, "progress": 0.5},
	})
	if err != nil {
		panic(err)
	}
	o, err := mirror.Convert(raw, redact.New())
	if err != nil {
		panic(err)
	}
	return o
}
