// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

// secrets is an API server where every Secret is there. reading is called while one is read.
type secrets struct {
	client.Reader

	reading func()
	read    func(namespace string)
}

func (s *secrets) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	if s.reading != nil {
		s.reading()
	}
	if s.read != nil {
		s.read(key.Namespace)
	}
	if secret, ok := obj.(*corev1.Secret); ok {
		secret.Name, secret.Type, secret.ResourceVersion = key.Name, corev1.SecretTypeOpaque, "1"
	}
	return nil
}

// stream is what a watch tells, in JSON, until its context ends.
type stream struct {
	*io.PipeReader

	told   *io.PipeWriter
	closed bool
}

func newStream(ctx context.Context) *stream {
	reader, writer := io.Pipe()
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	return &stream{PipeReader: reader, told: writer}
}

func (s *stream) Close() error {
	s.closed = true
	return s.PipeReader.Close()
}

// silent are watches that say nothing.
func silent(ctx context.Context, _ types.NamespacedName) (io.ReadCloser, error) {
	return newStream(ctx), nil
}

// thing is what a cache keeps.
type thing struct{ closed int }

func (t *thing) Close() { t.closed++ }

// TestNothingIsOpenedForWhoIsGone: a source's context ends before it is forgotten. What asks for its Secret all the same, as a step that
// was just beginning, must leave nothing behind that nobody would ever forget.
func TestNothingIsOpenedForWhoIsGone(t *testing.T) {
	source := types.NamespacedName{Namespace: "media", Name: "main"}
	for name, forgottenWhileRead := range map[string]bool{"before": false, "while the Secret is read": true} {
		t.Run(name, func(t *testing.T) {
			api := &secrets{}
			watcher := NewWatcher(api, silent)
			watcher.ctx = t.Context() // as Start does
			cache := NewCache[*thing](watcher, "secretRef", "apiKey")
			made := &thing{}
			open := func(ctx context.Context) error {
				_, _, err := cache.Get(ctx, source, "livepeer", "settings", func(*corev1.Secret) (*thing, error) { return made, nil })
				return err
			}
			if err := open(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithCancel(t.Context())
			forget := func() {
				end()
				cache.Forget(source)
			}
			made = &thing{}
			if forgottenWhileRead {
				api.reading = forget
			} else {
				forget()
			}
			if err := open(ctx); err == nil {
				t.Error("opened for a source that is gone")
			}
			if _, kept := cache.Current(source); kept {
				t.Error("kept for a source that is gone")
			}
			if forgottenWhileRead && made.closed != 1 {
				t.Errorf("what was made was closed %d times", made.closed)
			}
			watcher.mu.Lock()
			defer watcher.mu.Unlock()
			if len(watcher.refs) > 0 || len(watcher.watches) > 0 {
				t.Errorf("watched for a source that is gone: %v", watcher.refs)
			}
		})
	}
}

// TestSecretsAreReadInTurn: a Secret that many sources of a namespace name is read by a few at once, as it may have a megabyte; and others'
// are read meanwhile.
func TestSecretsAreReadInTurn(t *testing.T) {
	const sources = 100
	var mu sync.Mutex
	reading, most := map[string]int{}, 0
	held, free := make(chan struct{}, sources), make(chan struct{})
	api := &secrets{}
	api.read = func(namespace string) {
		mu.Lock()
		reading[namespace]++
		most = max(most, reading["many"])
		mu.Unlock()
		if namespace == "many" {
			held <- struct{}{}
			<-free
		}
		mu.Lock()
		reading[namespace]--
		mu.Unlock()
	}
	watcher := NewWatcher(api, silent)
	watcher.ctx = t.Context() // as Start does
	cache := NewCache[*thing](watcher, "secretRef", "apiKey")
	open := func(namespace, name string) error {
		_, _, err := cache.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, "livepeer", "settings",
			func(*corev1.Secret) (*thing, error) { return &thing{}, nil })
		return err
	}
	var group errgroup.Group
	for n := range sources {
		group.Go(func() error { return open("many", strconv.Itoa(n)) })
	}
	for range namespaceReads {
		<-held
	}
	if err := open("other", "main"); err != nil {
		t.Error(err)
	}
	close(free)
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if most > namespaceReads {
		t.Errorf("%d are read at once", most)
	}
}

// TestAFaultWithASecretIsItsSources, and ends no process.
func TestAFaultWithASecretIsItsSources(t *testing.T) {
	watcher := NewWatcher(&secrets{}, silent)
	cache := NewCache[*thing](watcher, "secretRef", "apiKey")
	source := types.NamespacedName{Namespace: "media", Name: "main"}
	_, _, err := cache.Get(t.Context(), source, "livepeer", "settings", func(*corev1.Secret) (*thing, error) { panic("odd") })
	if _, fault := errors.AsType[*condition.Fault](err); !fault {
		t.Errorf("%v", err)
	}
	for range namespaceReads {
		if _, ok := watcher.reads.TryAcquire(source); !ok {
			t.Fatal("its turn never ends")
		}
	}
}
