// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

var ofMain = types.NamespacedName{Namespace: "media", Name: "main"}

// vault is an API server with one Secret, or none, whose watches say what a test lets them say.
type vault struct {
	client.Reader

	content *corev1.Secret
	err     error
	reads   int
}

// window is where the vault's watches are begun.
type window struct {
	mu      sync.Mutex
	watches []*stream
	shut    atomic.Bool // none can be begun
}

func (v *vault) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	v.reads++
	switch {
	case v.err != nil:
		return v.err
	case v.content == nil:
		return apierrors.NewNotFound(corev1.Resource("secrets"), key.Name)
	}
	v.content.DeepCopyInto(obj.(*corev1.Secret)) //nolint:forcetypeassert // Nothing else is asked for.
	return nil
}

// open begins one more watch.
func (w *window) open(ctx context.Context, _ types.NamespacedName) (io.ReadCloser, error) {
	if w.shut.Load() {
		return nil, errors.New("no")
	}
	watch := newStream(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watches = append(w.watches, watch)
	return watch, nil
}

// tell writes an event as the API server does.
func (s *stream) tell(kind apiwatch.EventType, version string) {
	_, _ = fmt.Fprintf(s.told, `{"type":%q,"object":{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":%q},"rows":[]}}`+"\n",
		kind, version)
}

func aSecret(version string, data map[string]string) *corev1.Secret {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "livepeer", UID: "uid", ResourceVersion: version},
		Type:       corev1.SecretTypeOpaque, Data: map[string][]byte{},
	}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	return secret
}

// keeper asks a cache for what is made of the vault's Secret.
type keeper struct {
	*vault
	*window
	*Cache[*thing]

	watcher  *Watcher
	settings string
	refuses  error // to build
}

func newKeeper() *keeper {
	v := &vault{content: aSecret("1", map[string]string{"apiKey": "a"})}
	w := &window{}
	watcher := NewWatcher(v, w.open)
	return &keeper{vault: v, window: w, watcher: watcher, Cache: NewCache[*thing](watcher, "secretRef", "apiKey", "ca.crt"), settings: "x"}
}

// following returns one that watches until the test ends.
func following(t *testing.T) *keeper {
	t.Helper()
	k := newKeeper()
	k.watcher.ctx = t.Context() // as Start does
	return k
}

func (k *keeper) open() (*thing, error) {
	made, _, err := k.Cache.Get(context.Background(), ofMain, "livepeer", k.settings, func(*corev1.Secret) (*thing, error) {
		return &thing{}, k.refuses
	})
	return made, err
}

// TestWhatIsMadeAnew: what was made is kept as long as settings and values in use are the same, and closed once it is replaced or of no use.
func TestWhatIsMadeAnew(t *testing.T) {
	kind := corev1.Resource("secrets")
	for name, c := range map[string]struct {
		change func(k *keeper)
		same   bool
		reason string // of the error; "-" for one without
		closed bool
	}{
		"nothing":               {func(*keeper) {}, true, "", false},
		"other settings":        {func(k *keeper) { k.settings = "y" }, false, "", true},
		"another key":           {func(k *keeper) { k.content = aSecret("2", map[string]string{"apiKey": "b"}) }, false, "", true},
		"a value not in use":    {func(k *keeper) { k.content = aSecret("2", map[string]string{"apiKey": "a", "other": "b"}) }, true, "", false},
		"an empty value in use": {func(k *keeper) { k.content = aSecret("2", map[string]string{"apiKey": "a", "ca.crt": ""}) }, false, "", true},
		"of no use":             {func(k *keeper) { k.settings, k.refuses = "y", errors.New("no") }, false, "-", true},
		"gone":                  {func(k *keeper) { k.content = nil }, false, v1alpha1.ReasonSecretNotFound, true},
		"another type":          {func(k *keeper) { k.content.Type = corev1.SecretTypeBasicAuth }, false, v1alpha1.ReasonInvalidSecret, true},
		"out of reach":          {func(k *keeper) { k.err = apierrors.NewServiceUnavailable("out") }, false, "-", false},
		"not allowed":           {func(k *keeper) { k.err = apierrors.NewForbidden(kind, "livepeer", nil) }, false, "-", false},
	} {
		g := NewWithT(t)
		k := newKeeper()
		first, err := k.open()
		g.Expect(err).NotTo(HaveOccurred(), name)
		c.change(k)
		second, err := k.open()
		g.Expect(err != nil).To(Equal(c.reason != ""), "%s: %v", name, err)
		if named, ok := errors.AsType[*condition.Error](err); ok || c.reason != "" && c.reason != "-" {
			g.Expect(named.Reason).To(Equal(c.reason), name)
		}
		g.Expect(first.closed).To(Equal(map[bool]int{true: 1}[c.closed]), name)
		g.Expect(second == first).To(Equal(c.same), name)
		current, kept := k.Current(ofMain)
		g.Expect(kept).To(Equal(c.reason == "" || !c.closed), name)
		if kept && err == nil {
			g.Expect(current).To(BeIdenticalTo(second), name)
		}
		for range namespaceReads {
			_, free := k.watcher.reads.TryAcquire(ofMain)
			g.Expect(free).To(BeTrue(), "%s: its turn never ends", name)
		}
	}
}

// TestWatchedSecrets: what a watch has told is not asked for again; a change is told at once, and so is a deletion, also one that happened
// between two watches.
func TestWatchedSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		k := following(t)
		told := 0
		k.OnChange(func(types.NamespacedName) { told++ })
		latest := func() *stream {
			synctest.Wait()
			return k.watches[len(k.watches)-1]
		}
		first, err := k.open()
		g.Expect(err).NotTo(HaveOccurred())
		latest().tell(apiwatch.Added, k.content.ResourceVersion)
		synctest.Wait()
		for range 3 {
			same, err := k.open()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(same).To(BeIdenticalTo(first))
		}
		g.Expect([]int{k.reads, told}).To(Equal([]int{1, 1}))
		k.settings = "y"
		other, err := k.open()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(other).NotTo(BeIdenticalTo(first), "other settings, though the Secret is the same")
		k.settings = "x"
		first, err = k.open()
		g.Expect(err).NotTo(HaveOccurred())
		k.reads = 1

		k.content = aSecret("2", map[string]string{"apiKey": "b"})
		latest().tell(apiwatch.Modified, k.content.ResourceVersion)
		synctest.Wait()
		second, err := k.open()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect([]int{k.reads, told, first.closed}).To(Equal([]int{2, 2, 1}))

		gone := k.content
		k.content = nil
		latest().tell(apiwatch.Deleted, gone.ResourceVersion)
		synctest.Wait()
		_, err = k.open()
		g.Expect(err).To(HaveOccurred())
		g.Expect([]int{k.reads, told, second.closed}).To(Equal([]int{2, 3, 1}), "nobody has to ask")

		k.content = gone
		latest().tell(apiwatch.Added, gone.ResourceVersion)
		synctest.Wait()
		third, err := k.open()
		g.Expect(err).NotTo(HaveOccurred())
		before := len(k.watches)
		k.content = nil
		_ = latest().told.Close() // and what follows tells of no Secret
		<-time.After(2 * secretWatchPause)
		synctest.Wait()
		g.Expect(k.watches).To(HaveLen(before + 1))
		_, err = k.open()
		g.Expect(err).To(HaveOccurred())
		g.Expect(third.closed).To(Equal(1))

		k.Forget(ofMain)
		synctest.Wait()
		g.Expect(latest().closed).To(BeTrue(), "nobody needs it")
		g.Expect(k.watcher.watches).To(BeEmpty())
	})
}

// TestNearly: a slip in the name of an entry is told, and no other name.
func TestNearly(t *testing.T) {
	g := NewWithT(t)
	for entry, near := range map[string]bool{"api-key": true, "API_KEY": true, "api.key": true, "apiKey": false, "token": false} {
		g.Expect(Nearly(aSecret("1", map[string]string{entry: "x"}), "apiKey") == entry).To(Equal(near), entry)
	}
}

// TestMadeTwice: of what two make of the same at the same time, one is kept and the other closed.
func TestMadeTwice(t *testing.T) {
	g := NewWithT(t)
	k := newKeeper()
	sooner, later := &thing{}, &thing{}
	got, _, err := k.Cache.Get(t.Context(), ofMain, "livepeer", "x", func(*corev1.Secret) (*thing, error) {
		_, _, err := k.Cache.Get(t.Context(), ofMain, "livepeer", "x", func(*corev1.Secret) (*thing, error) { return sooner, nil })
		return later, err
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got).To(BeIdenticalTo(sooner))
	g.Expect([]int{sooner.closed, later.closed}).To(Equal([]int{0, 1}))
}

// TestAnotherSecret: the watch of one that is named no more ends.
func TestAnotherSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		k := following(t)
		build := func(*corev1.Secret) (*thing, error) { return &thing{}, nil }
		for _, name := range []string{"one", "two"} {
			_, _, err := k.Cache.Get(t.Context(), ofMain, name, "x", build)
			g.Expect(err).NotTo(HaveOccurred())
			synctest.Wait()
		}
		g.Expect([]bool{k.watches[0].closed, k.watches[1].closed}).To(Equal([]bool{true, false}))
		ofNone, _, err := k.Cache.Get(t.Context(), ofMain, "", "x", build)
		g.Expect(err).NotTo(HaveOccurred())
		synctest.Wait()
		g.Expect(k.watches[1].closed).To(BeTrue(), "none is named")
		ofThree, _, err := k.Cache.Get(t.Context(), ofMain, "three", "x", build)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(ofThree).NotTo(BeIdenticalTo(ofNone))
		_, _, err = k.Cache.Get(t.Context(), ofMain, "../four", "x", build)
		g.Expect(err).To(HaveOccurred())
		synctest.Wait()
		g.Expect(k.watches[2].closed).To(BeTrue(), "what is named is no name")
		_, kept := k.Current(ofMain)
		g.Expect(kept).To(BeFalse())
	})
}

// TestASecretOfTwoSources is watched as long as one of them needs it, and its changes are told to those that name it.
func TestASecretOfTwoSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		k := following(t)
		var told []string
		k.OnChange(func(source types.NamespacedName) { told = append(told, source.Name) })
		sinks := NewCache[*thing](k.watcher, "notify.secretRef", "token")
		sinks.OnChange(func(source types.NamespacedName) { told = append(told, "sink of "+source.Name) })
		_, _, err := sinks.Get(t.Context(), types.NamespacedName{Namespace: "media", Name: "b"}, "shared", "x",
			func(*corev1.Secret) (*thing, error) { return &thing{}, nil })
		g.Expect(err).NotTo(HaveOccurred())
		for source, secret := range map[string]string{"a": "shared", "b": "shared", "c": "other"} {
			_, _, err := k.Cache.Get(t.Context(), types.NamespacedName{Namespace: "media", Name: source}, secret, "x",
				func(*corev1.Secret) (*thing, error) { return &thing{}, nil })
			g.Expect(err).NotTo(HaveOccurred())
			synctest.Wait()
		}
		g.Expect(k.watches).To(HaveLen(2))
		k.Forget(types.NamespacedName{Namespace: "media", Name: "a"})
		synctest.Wait()
		for _, watch := range k.watches {
			g.Expect(watch.closed).To(BeFalse())
			watch.tell(apiwatch.Added, k.content.ResourceVersion)
			synctest.Wait()
		}
		g.Expect(told).To(ConsistOf("b", "c", "sink of b"))
		sinks.Forget(types.NamespacedName{Namespace: "media", Name: "b"})
		k.Forget(types.NamespacedName{Namespace: "media", Name: "b"})
		k.Forget(types.NamespacedName{Namespace: "media", Name: "c"})
		synctest.Wait()
		g.Expect([]bool{k.watches[0].closed, k.watches[1].closed}).To(Equal([]bool{true, true}))
	})
}
