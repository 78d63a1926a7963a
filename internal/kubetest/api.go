// SPDX-License-Identifier: Apache-2.0

package kubetest

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// API is an API server in memory, as far as the operator needs one for one source: it numbers versions and
// generations, refuses what was planned for another version, keeps the status apart from the rest, and answers what has
// been through JSON. Any other call panics.
type API struct {
	client.Client
	secret *corev1.Secret

	Mu      sync.Mutex
	Source  *v1alpha1.LivepeerTaskSource
	Tasks   map[string]*v1alpha1.LivepeerTask
	Version int
	Writes  int     // of tasks
	Echoes  []Event // what the cache has not seen yet
	watcher int     // the latest; see Watch
	echoing sync.Mutex
	// writing is told of each write of a task before it is carried out; after is nil for a deletion.
	Writing func(before, after *v1alpha1.LivepeerTask)
	// meddle lets somebody else change something, under the lock, before a call is carried out.
	Meddle func()
	// Fail, if not nil, returns the error that a write of the task with this name ends in without being carried out.
	Fail func(name string) error
	// lose, where above 0, is in how many writes one is carried out and then answered with an error.
	Lose   uint64
	Losses int
}

// NewAPI returns an API server with a source of the simulated Studio at an address, and its Secret.
func NewAPI(url string) *API {
	source := ASource()
	source.Spec.URL = url + "/api"
	source.Spec.Timeout.Duration = time.Minute
	return &API{
		Source: source, Tasks: map[string]*v1alpha1.LivepeerTask{}, Version: 100,
		Writing: func(_, _ *v1alpha1.LivepeerTask) {},
		secret: &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "livepeer", UID: "secret", ResourceVersion: "1"},
			Type:       corev1.SecretTypeOpaque,
			Data:       map[string][]byte{"apiKey": []byte(livepeertest.APIKey)},
		},
	}
}

// Event is a change of a task as a watch shows it.
type Event struct {
	Before, After *v1alpha1.LivepeerTask
}

var errGone = apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource(), "")

// copied returns an object as it is after it has been sent.
func copied[T any](obj *T) *T {
	sent, err := json.Marshal(obj)
	if err != nil {
		panic(err)
	}
	read := new(T)
	if err := json.Unmarshal(sent, read); err != nil {
		panic(err)
	}
	return read
}

// withoutStatus returns a task as it is after it has been sent, and its status ignored.
func withoutStatus(task *v1alpha1.LivepeerTask) *v1alpha1.LivepeerTask {
	return copied(&v1alpha1.LivepeerTask{TypeMeta: task.TypeMeta, ObjectMeta: task.ObjectMeta, Spec: task.Spec})
}

// Get reads the source, its Secret, or a task.
func (a *API) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	a.meddle()
	switch obj := obj.(type) {
	case *corev1.Secret:
		a.secret.DeepCopyInto(obj)
	case *v1alpha1.LivepeerTaskSource:
		a.Source.DeepCopyInto(obj)
	case *v1alpha1.LivepeerTask:
		stored, ok := a.Tasks[key.Name]
		if !ok {
			return errGone
		}
		stored.DeepCopyInto(obj)
	}
	return nil
}

// beforeWrite lets somebody else change something, and returns the error of a write that is not carried out. The caller holds the lock.
func (a *API) beforeWrite(name string) error {
	a.meddle()
	if a.Fail == nil {
		return nil
	}
	return a.Fail(name)
}

// meddle lets somebody else change something. The caller holds the lock.
func (a *API) meddle() {
	if a.Meddle != nil {
		a.Meddle()
	}
}

// put stores a task under the next version and lets answer hold what is stored. The caller holds the lock.
func (a *API) put(stored, answer *v1alpha1.LivepeerTask) error {
	a.Writing(a.Tasks[stored.Name], stored)
	a.Version++
	a.Writes++
	stored.ResourceVersion = strconv.Itoa(a.Version)
	a.Echoes = append(a.Echoes, Event{Before: a.Tasks[stored.Name], After: stored})
	a.Tasks[stored.Name] = stored
	if a.lost(stored.Name) {
		return apierrors.NewInternalError(fmt.Errorf("no answer about %s", stored.Name))
	}
	stored.DeepCopyInto(answer)
	return nil
}

// lost decides, the same each time, which answers get lost. The caller holds the lock.
func (a *API) lost(name string) bool {
	hash := fnv.New64a()
	_, _ = fmt.Fprint(hash, name, a.Version)
	if a.Lose == 0 || hash.Sum64()%a.Lose > 0 {
		return false
	}
	a.Losses++
	return true
}

// Create stores a new task.
func (a *API) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	task := obj.(*v1alpha1.LivepeerTask) //nolint:errcheck // Anything else is a fault of the test, and panics.
	a.Mu.Lock()
	defer a.Mu.Unlock()
	if err := a.beforeWrite(task.Name); err != nil {
		return err
	}
	if _, exists := a.Tasks[task.Name]; exists {
		return apierrors.NewAlreadyExists(v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource(), task.Name)
	}
	created := withoutStatus(task)
	created.Status = v1alpha1.LivepeerTaskStatus{ObservedGeneration: -1} // the default of the CRD
	created.UID = types.UID(fmt.Sprintf("uid-%d", a.Version))
	created.Generation = 1
	return a.put(created, task)
}

// current returns the stored task if it is the one that meta means. The caller holds the lock.
func (a *API) current(meta *metav1.ObjectMeta) (*v1alpha1.LivepeerTask, error) {
	stored, ok := a.Tasks[meta.Name]
	switch {
	case !ok:
		return nil, errGone
	case stored.ResourceVersion != meta.ResourceVersion || stored.UID != meta.UID:
		return nil, apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource(), meta.Name, nil)
	}
	return stored, nil
}

// Update replaces a task, save its status.
func (a *API) Update(_ context.Context, obj client.Object, _ ...client.UpdateOption) error {
	task := obj.(*v1alpha1.LivepeerTask) //nolint:errcheck // Anything else is a fault of the test, and panics.
	a.Mu.Lock()
	defer a.Mu.Unlock()
	if err := a.beforeWrite(task.Name); err != nil {
		return err
	}
	stored, err := a.current(&task.ObjectMeta)
	if err != nil {
		return err
	}
	next := withoutStatus(task)
	next.ManagedFields = without(next.ManagedFields, "f:spec") // what it puts right is the operator's again
	next.Status = *stored.Status.DeepCopy()
	if mirror.SpecDigest(&v1alpha1.LivepeerTask{Spec: next.Spec}) != mirror.SpecDigest(&v1alpha1.LivepeerTask{Spec: stored.Spec}) {
		next.Generation++
	}
	return a.put(next, task)
}

// Delete deletes a task, if it is still what was planned for.
func (a *API) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	options := client.DeleteOptions{}
	options.ApplyOptions(opts)
	meta := &metav1.ObjectMeta{
		Name: obj.GetName(), UID: *options.Preconditions.UID, ResourceVersion: *options.Preconditions.ResourceVersion,
	}
	a.Mu.Lock()
	defer a.Mu.Unlock()
	if err := a.beforeWrite(meta.Name); err != nil {
		return err
	}
	stored, err := a.current(meta)
	if err != nil {
		return err
	}
	a.Writing(stored, nil)
	a.Version++
	a.Writes++
	last := stored.DeepCopy()
	last.ResourceVersion = strconv.Itoa(a.Version)
	a.Echoes = append(a.Echoes, Event{Before: last})
	delete(a.Tasks, stored.Name)
	if a.lost(stored.Name) {
		return apierrors.NewInternalError(fmt.Errorf("no answer about %s", stored.Name))
	}
	return nil
}

// Status writes statuses.
func (a *API) Status() client.SubResourceWriter { return &apiStatus{api: a} }

type apiStatus struct {
	client.SubResourceWriter
	api *API
}

func (s *apiStatus) Update(_ context.Context, obj client.Object, _ ...client.SubResourceUpdateOption) error {
	task := obj.(*v1alpha1.LivepeerTask) //nolint:errcheck // Anything else is a fault of the test, and panics.
	s.api.Mu.Lock()
	defer s.api.Mu.Unlock()
	if err := s.api.beforeWrite(task.Name); err != nil {
		return err
	}
	stored, err := s.api.current(&task.ObjectMeta)
	if err != nil {
		return err
	}
	next := stored.DeepCopy()
	next.Status = *copied(&task.Status)
	next.ManagedFields = without(next.ManagedFields, "f:status")
	return s.api.put(next, task)
}

// Patch takes the status of a source as the object has it, which is what the operator patches, unless it is for another version.
func (s *apiStatus) Patch(_ context.Context, obj client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	source := obj.(*v1alpha1.LivepeerTaskSource) //nolint:errcheck // Likewise.
	data, err := patch.Data(obj)
	if err != nil {
		return err
	}
	of := metav1.PartialObjectMetadata{}
	if err := json.Unmarshal(data, &of); err != nil {
		return err
	}
	s.api.Mu.Lock()
	defer s.api.Mu.Unlock()
	own := client.ObjectKeyFromObject(source) == client.ObjectKeyFromObject(s.api.Source)
	if own && of.ResourceVersion != "" && of.ResourceVersion != s.api.Source.ResourceVersion {
		return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("livepeertasksources").GroupResource(), source.Name, nil)
	}
	next := s.api.Source.DeepCopy()
	if err := merge(&next.Status, data); err != nil {
		return err
	}
	s.api.Version++
	next.ResourceVersion = strconv.Itoa(s.api.Version)
	s.api.Source = next
	next.DeepCopyInto(source)
	return nil
}

// merge changes a status by a merge patch: what the patch leaves out stays.
func merge(status *v1alpha1.LivepeerTaskSourceStatus, patch []byte) error {
	is, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	merged, err := jsonpatch.MergePatch(is, patch)
	if err != nil {
		return err
	}
	next := struct {
		Status *v1alpha1.LivepeerTaskSourceStatus `json:"status"`
	}{&v1alpha1.LivepeerTaskSourceStatus{}}
	err = json.Unmarshal(merged, &next)
	*status = *next.Status
	return err
}

// without leaves out what others have set of spec or status.
func without(managed []metav1.ManagedFieldsEntry, part string) []metav1.ManagedFieldsEntry {
	return slices.DeleteFunc(slices.Clone(managed), func(entry metav1.ManagedFieldsEntry) bool {
		return strings.Contains(string(entry.FieldsV1.GetRawBytes()), part)
	})
}

// Watch shows all tasks, and returns the number of a watch that shows what changes from now on. Earlier watches show nothing any more.
func (a *API) Watch(show func(task *v1alpha1.LivepeerTask)) (watcher int) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	for _, task := range a.Tasks {
		show(task)
	}
	a.Echoes = nil
	a.watcher++
	return a.watcher
}

// TakeEchoes shows a watch up to n changes that were not shown yet, oldest first and one after the other; all if n is negative.
func (a *API) TakeEchoes(watcher, n int, show func(before, after *v1alpha1.LivepeerTask)) {
	a.echoing.Lock()
	defer a.echoing.Unlock()
	a.Mu.Lock()
	if watcher != a.watcher {
		n = 0
	}
	if n < 0 || n > len(a.Echoes) {
		n = len(a.Echoes)
	}
	events := a.Echoes[:n]
	a.Echoes = a.Echoes[n:]
	a.Mu.Unlock()
	for _, event := range events {
		show(event.Before, event.After)
	}
}

// Relist shows all tasks, and the version of that list, in place of the changes that were not shown yet.
func (a *API) Relist(show func(all []*v1alpha1.LivepeerTask, version string)) {
	a.echoing.Lock()
	defer a.echoing.Unlock()
	a.Mu.Lock()
	a.Echoes = nil
	all, version := slices.Collect(maps.Values(a.Tasks)), strconv.Itoa(a.Version)
	a.Mu.Unlock()
	show(all, version)
}

// Annotate asks the operator for something.
func (a *API) Annotate(key, value string) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	a.Version++
	next := a.Source.DeepCopy()
	metav1.SetMetaDataAnnotation(&next.ObjectMeta, key, value)
	next.ResourceVersion = strconv.Itoa(a.Version)
	a.Source = next
}

// ASource is a source that was made just now.
func ASource() *v1alpha1.LivepeerTaskSource {
	return &v1alpha1.LivepeerTaskSource{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "media", Name: "main", UID: "uid-of-main", Generation: 1, ResourceVersion: "10", Annotations: map[string]string{},
		},
		Spec: v1alpha1.LivepeerTaskSourceSpec{
			URL:            "https://livepeer.studio/api",
			SecretRef:      v1alpha1.SecretReference{Name: "livepeer"},
			Interval:       metav1.Duration{Duration: 10 * time.Second},
			ResyncInterval: metav1.Duration{Duration: 10 * time.Minute},
		},
	}
}
