// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/credentials"
	"github.com/livepeer/livepeer-task-operator/internal/kubetest"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/webhook/backend"
)

// TestAHugeSecretTakesLittleMemory: a Secret may have a megabyte. What is made of a key to find it in texts takes hundreds of times as much
// memory, which all sources of all namespaces share.
func TestAHugeSecretTakesLittleMemory(t *testing.T) {
	huge := []byte(strings.Repeat("0123456789abcdef", 1<<16))
	key, longest := []byte("key"), []byte(strings.Repeat("k3y!", maxKey/4))
	for name, c := range map[string]struct {
		data   map[string][]byte
		reason string
		says   string
		most   uint64 // bytes that are allocated meanwhile
	}{
		"apiKey":        {map[string][]byte{secretKeyAPIKey: huge}, v1alpha1.ReasonInvalidSecret, "1048576 bytes under \"apiKey\"", 8 << 20},
		"ca.crt":        {map[string][]byte{secretKeyAPIKey: key, secretKeyCA: huge}, v1alpha1.ReasonInvalidSecret, "ca.crt", 8 << 20},
		"webhookSecret": {map[string][]byte{secretKeyAPIKey: key, backend.SecretKey: huge}, "", "", 16 << 20},
		"the longest":   {map[string][]byte{secretKeyAPIKey: longest, backend.SecretKey: longest}, "", "", 16 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			sessions := NewSessions(nil, "test", studio.Hosts{}, studio.NewPool(), nil)
			source := kubetest.ASource()
			source.Spec.URL = "https://livepeer.studio/api"
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			opened, err := sessions.dial(source, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "livepeer"}, Data: c.data})
			runtime.ReadMemStats(&after)
			t.Logf("%d KiB", (after.TotalAlloc-before.TotalAlloc)>>10)
			if got := after.TotalAlloc - before.TotalAlloc; got > c.most {
				t.Errorf("%d MiB are allocated", got>>20)
			}
			trouble, _ := errors.AsType[*condition.Error](err)
			switch {
			case c.reason == "" && err != nil:
				t.Error(err)
			case c.reason != "" && (trouble == nil || trouble.Reason != c.reason || !strings.Contains(trouble.Message, c.says)):
				t.Error(err)
			case err == nil:
				opened.Close()
			}
		})
	}
}

// TestWhichEntryIsMeant: an entry that is there and empty, and one under a name that is nearly right, are told from one that is not there.
// No other name of an entry is: who may make sources need not be one who may read Secrets.
func TestWhichEntryIsMeant(t *testing.T) {
	for entry, says := range map[string]string{
		"apiKey":   `"apiKey" in Secret "livepeer" is empty: store the Livepeer Studio API key`,
		"api-key":  `Secret "livepeer" has no key "apiKey", but "api-key": store the Livepeer Studio API key under "apiKey"`,
		"API_KEY":  `but "API_KEY"`,
		"apikey":   `but "apikey"`,
		"password": `Secret "livepeer" has no key "apiKey": store the Livepeer Studio API key under it`,
	} {
		_, err := NewSessions(nil, "test", studio.Hosts{}, studio.NewPool(), nil).dial(kubetest.ASource(),
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "livepeer"}, Data: map[string][]byte{entry: []byte(" ")}})
		trouble, _ := errors.AsType[*condition.Error](err)
		if trouble == nil || trouble.Reason != v1alpha1.ReasonInvalidSecret || !strings.HasPrefix(trouble.Message, says) &&
			(!strings.HasPrefix(says, "but") || !strings.Contains(trouble.Message, says)) {
			t.Errorf("%s: %v", entry, err)
		}
	}
}

// TestAnotherSettingIsAnotherSession: nothing goes on with the URL, the time-out or the source of before.
func TestAnotherSettingIsAnotherSession(t *testing.T) {
	api, prints := kubetest.NewAPI("http://127.0.0.1:1"), map[string]bool{}
	sessions := NewSessions(credentials.NewWatcher(api, nil), "test", studio.Hosts{}, studio.NewPool(), nil)
	for _, change := range []func(*v1alpha1.LivepeerTaskSource){
		func(*v1alpha1.LivepeerTaskSource) {}, func(s *v1alpha1.LivepeerTaskSource) { s.UID = "another" },
		func(s *v1alpha1.LivepeerTaskSource) { s.Spec.URL += "/v2" }, func(s *v1alpha1.LivepeerTaskSource) { s.Spec.Timeout.Duration++ },
	} {
		source := api.Source.DeepCopy()
		change(source)
		_, fingerprint, err := sessions.get(t.Context(), source)
		if prints[fingerprint] = true; err != nil {
			t.Fatal(err)
		}
	}
	if len(prints) != 4 {
		t.Errorf("4 have %d fingerprints", len(prints))
	}
}
