// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/livepeer/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// memoryAPI is an API server in memory, as far as the operator needs one for one source: it numbers versions and
// generations, refuses what was planned for another version, keeps the status apart from the rest, and answers what has
// been through JSON. Any other call panics.
type memoryAPI struct {
	client.Client
	secret *corev1.Secret

	mu      sync.Mutex
	source  *v1alpha1.LivepeerTaskSource
	tasks   map[string]*v1alpha1.LivepeerTask
	version int
	writes  int     // of tasks
	echoes  []event // what the cache has not seen yet
	// writing is told of each write of a task before it is carried out; after is nil for a deletion.
	writing func(before, after *v1alpha1.LivepeerTask)
	// meddle lets somebody else change something, under the lock, before a call is carried out.
	meddle func()
	// lose, where above 0, is in how many writes one is carried out and then answered with an error.
	lose uint64
}

// newMemoryAPI returns an API server with a source of the simulated Studio at an address, and its Secret.
func newMemoryAPI(url string) *memoryAPI {
	source := aSource()
	source.Spec.URL = url + "/api"
	source.Spec.Timeout.Duration = time.Minute
	return &memoryAPI{
		source: source, tasks: map[string]*v1alpha1.LivepeerTask{}, version: 100,
		writing: func(_, _ *v1alpha1.LivepeerTask) {}, meddle: func() {},
		secret: &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "livepeer", UID: "secret", ResourceVersion: "1"},
			Type:       corev1.SecretTypeOpaque,
			Data:       map[string][]byte{secretKeyAPIKey: []byte(livepeertest.APIKey)},
		},
	}
}

// reconciler returns a new process' reconciler, which knows what is stored.
func (a *memoryAPI) reconciler(now func() time.Time) *SourceReconciler {
	index, secrets := newTaskIndex(), newSecretStore(a, nil)
	for _, task := range a.tasks {
		index.see(stored(task))
	}
	return &SourceReconciler{
		client: a, secrets: secrets, index: index, writer: newWriter(a, a, index),
		sessions: &sessions{secrets: secrets, open: map[types.NamespacedName]*session{}}, now: now,
		states: map[types.NamespacedName]*progress{}, indexed: func() bool { return true },
	}
}

// event is a change of a task as a watch shows it.
type event struct {
	before, after *v1alpha1.LivepeerTask
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

func (a *memoryAPI) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.meddle()
	switch obj := obj.(type) {
	case *corev1.Secret:
		a.secret.DeepCopyInto(obj)
	case *v1alpha1.LivepeerTaskSource:
		a.source.DeepCopyInto(obj)
	case *v1alpha1.LivepeerTask:
		stored, ok := a.tasks[key.Name]
		if !ok {
			return errGone
		}
		stored.DeepCopyInto(obj)
	}
	return nil
}

// put stores a task under the next version and lets answer hold what is stored. The caller holds the lock.
func (a *memoryAPI) put(stored, answer *v1alpha1.LivepeerTask) error {
	a.writing(a.tasks[stored.Name], stored)
	a.version++
	a.writes++
	stored.ResourceVersion = strconv.Itoa(a.version)
	a.echoes = append(a.echoes, event{before: a.tasks[stored.Name], after: stored})
	a.tasks[stored.Name] = stored
	if a.lost(stored.Name) {
		return apierrors.NewInternalError(fmt.Errorf("no answer about %s", stored.Name))
	}
	stored.DeepCopyInto(answer)
	return nil
}

// lost decides, the same each time, which answers get lost. The caller holds the lock.
func (a *memoryAPI) lost(name string) bool {
	hash := fnv.New64a()
	_, _ = fmt.Fprint(hash, name, a.version)
	return a.lose > 0 && hash.Sum64()%a.lose == 0
}

func (a *memoryAPI) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	task := obj.(*v1alpha1.LivepeerTask)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.meddle()
	if _, exists := a.tasks[task.Name]; exists {
		return apierrors.NewAlreadyExists(v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource(), task.Name)
	}
	created := copied(task)
	created.Status = v1alpha1.LivepeerTaskStatus{}
	created.UID = types.UID(fmt.Sprintf("uid-%d", a.version))
	created.Generation = 1
	return a.put(created, task)
}

// current returns the stored task if it is the one that meta means. The caller holds the lock.
func (a *memoryAPI) current(meta *metav1.ObjectMeta) (*v1alpha1.LivepeerTask, error) {
	stored, ok := a.tasks[meta.Name]
	switch {
	case !ok:
		return nil, errGone
	case stored.ResourceVersion != meta.ResourceVersion || stored.UID != meta.UID:
		return nil, apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("livepeertasks").GroupResource(), meta.Name, nil)
	}
	return stored, nil
}

func (a *memoryAPI) Update(_ context.Context, obj client.Object, _ ...client.UpdateOption) error {
	task := obj.(*v1alpha1.LivepeerTask)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.meddle()
	stored, err := a.current(&task.ObjectMeta)
	if err != nil {
		return err
	}
	next := copied(task)
	next.ManagedFields = without(next.ManagedFields, "f:spec") // what it puts right is the operator's again
	next.Status = *stored.Status.DeepCopy()
	if mirror.SpecDigest(&v1alpha1.LivepeerTask{Spec: next.Spec}) != mirror.SpecDigest(&v1alpha1.LivepeerTask{Spec: stored.Spec}) {
		next.Generation++
	}
	return a.put(next, task)
}

func (a *memoryAPI) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	options := client.DeleteOptions{}
	options.ApplyOptions(opts)
	meta := &metav1.ObjectMeta{
		Name: obj.GetName(), UID: *options.Preconditions.UID, ResourceVersion: *options.Preconditions.ResourceVersion,
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.meddle()
	stored, err := a.current(meta)
	if err != nil {
		return err
	}
	a.writing(stored, nil)
	a.version++
	a.writes++
	last := stored.DeepCopy()
	last.ResourceVersion = strconv.Itoa(a.version)
	a.echoes = append(a.echoes, event{before: last})
	delete(a.tasks, stored.Name)
	if a.lost(stored.Name) {
		return apierrors.NewInternalError(fmt.Errorf("no answer about %s", stored.Name))
	}
	return nil
}

func (a *memoryAPI) Status() client.SubResourceWriter { return &memoryStatus{api: a} }

type memoryStatus struct {
	client.SubResourceWriter
	api *memoryAPI
}

func (s *memoryStatus) Update(_ context.Context, obj client.Object, _ ...client.SubResourceUpdateOption) error {
	task := obj.(*v1alpha1.LivepeerTask)
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.meddle()
	stored, err := s.api.current(&task.ObjectMeta)
	if err != nil {
		return err
	}
	next := stored.DeepCopy()
	next.Status = copied(task).Status
	next.ManagedFields = without(next.ManagedFields, "f:status")
	return s.api.put(next, task)
}

// Patch takes the status of a source as the object has it, which is what the operator patches.
func (s *memoryStatus) Patch(_ context.Context, obj client.Object, _ client.Patch, _ ...client.SubResourcePatchOption) error {
	source := obj.(*v1alpha1.LivepeerTaskSource)
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.version++
	next := s.api.source.DeepCopy()
	next.Status = copied(source).Status
	next.ResourceVersion = strconv.Itoa(s.api.version)
	s.api.source = next
	next.DeepCopyInto(source)
	return nil
}

// without leaves out what others have set of spec or status.
func without(managed []metav1.ManagedFieldsEntry, part string) []metav1.ManagedFieldsEntry {
	return slices.DeleteFunc(slices.Clone(managed), func(entry metav1.ManagedFieldsEntry) bool {
		return strings.Contains(string(entry.FieldsV1.GetRawBytes()), part)
	})
}

// echo shows the index up to n changes that it has not seen yet, oldest first, as the cache does; all if n is negative.
func (a *memoryAPI) echo(index *taskIndex, n int) {
	a.mu.Lock()
	if n < 0 || n > len(a.echoes) {
		n = len(a.echoes)
	}
	events := a.echoes[:n]
	a.echoes = a.echoes[n:]
	a.mu.Unlock()
	for _, event := range events {
		switch {
		case event.after == nil:
			forget(index, event.before)
		case event.before == nil:
			index.see(stored(event.after))
		default:
			index.observe(stored(event.after), true)
		}
	}
}

// annotate asks the operator for something.
func (a *memoryAPI) annotate(key, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	next := a.source.DeepCopy()
	metav1.SetMetaDataAnnotation(&next.ObjectMeta, key, value)
	next.ResourceVersion = strconv.Itoa(a.version)
	a.source = next
}
