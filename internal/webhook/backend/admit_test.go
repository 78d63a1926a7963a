// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

// soon is for a machine that is busy with other things.
const soon = 4 * time.Minute

// listed is a cache of sources.
type listed struct {
	client.Reader
	sources []v1alpha1.LivepeerTaskSource
}

func (l *listed) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*v1alpha1.LivepeerTaskSourceList).Items = l.sources //nolint:forcetypeassert // Nothing else is listed.
	return nil
}

func (l *listed) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	for i := range l.sources {
		if client.ObjectKeyFromObject(&l.sources[i]) == key {
			l.sources[i].DeepCopyInto(obj.(*v1alpha1.LivepeerTaskSource)) //nolint:forcetypeassert // As above.
		}
	}
	return nil
}

// add adds a source whose condition Receiving has a reason.
func (l *listed) add(namespace, name, reason string, age time.Duration) {
	source := v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(time.Now().Add(-age)),
	}}
	if reason != "" {
		source.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReceiving, Reason: reason}}
	}
	l.sources = append(l.sources, source)
}

// following is an engine that follows the sources.
type following struct{ Engine }

func (following) Running() bool { return true }

// TestATenantsSecretsHoldUpNobodysWebhooks: 100 sources of one namespace have Secrets that are not read, for as long as it takes. Another
// namespace's source is taken in as soon as its own is; one that had an older source's secret only once it is known whose it is.
func TestATenantsSecretsHoldUpNobodysWebhooks(t *testing.T) {
	g := NewWithT(t)
	all := &listed{}
	for n := range 100 {
		all.add("slow", fmt.Sprint(n), "", time.Hour)
	}
	all.add("media", "main", v1alpha1.ReasonListening, time.Minute)
	all.add("media", "younger", v1alpha1.ReasonSharedWebhookSecret, time.Minute)
	var mu sync.Mutex
	secrets := map[types.NamespacedName]Secret{}
	b := New(Config{Client: all, Now: time.Now, Wake: func(types.NamespacedName) {}, Secret: func(source types.NamespacedName) Secret {
		mu.Lock()
		defer mu.Unlock()
		return secrets[source]
	}})
	shown := make(chan struct{})
	router := b.RouteTo(following{})
	g.Expect(router.Ready()).To(BeFalse())
	open := func(source *v1alpha1.LivepeerTaskSource) {
		key := client.ObjectKeyFromObject(source)
		if key.Namespace == "slow" {
			<-shown
		}
		value := "a secret of the namespace " + key.Namespace
		if key.Name == "younger" || key.Name == "7" {
			value = "a secret of two sources"
		}
		mu.Lock()
		secrets[key] = SecretOf(&corev1.Secret{Data: map[string][]byte{SecretKey: []byte(value)}})
		mu.Unlock()
		b.Opened(source)
	}
	g.Expect(b.Admit(t.Context(), open, func(types.NamespacedName) {})).To(Succeed())
	has := func(namespace, name string) func() bool {
		return func() bool {
			_, ok := router.Secret(webhook.Source{Namespace: namespace, Name: name})
			return ok
		}
	}
	g.Eventually(has("media", "main"), soon).Should(BeTrue())
	g.Eventually(func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.awaited) == 100
	}, soon).Should(BeTrue())
	g.Expect([]bool{router.Ready(), router.Complete(), has("media", "younger")()}).To(Equal([]bool{true, false, false}))
	close(shown)
	g.Eventually(router.Complete, soon).Should(BeTrue())
	g.Expect([]bool{has("slow", "7")(), has("media", "younger")()}).To(Equal([]bool{true, false}))
}
