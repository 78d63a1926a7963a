// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
)

// Cache keeps one value for each source, and closes it when it is replaced or dropped.
type Cache[T interface{ Close() }] struct {
	watcher *Watcher
	field   string   // the field of the spec that names the Secret
	keys    []string // the keys of the Secret that are used
	secret  [sha256.Size]byte

	mu   sync.Mutex
	open map[types.NamespacedName]*opened[T]
}

// opened is a value, and what it was made from.
type opened[T any] struct {
	value       T
	settings    string
	version     string // of the Secret when it was last read
	fingerprint string
}

// NewCache returns a cache of values made from a Secret that a field of the spec names. keys are the keys of the Secret that are used.
func NewCache[T interface{ Close() }](watcher *Watcher, field string, keys ...string) *Cache[T] {
	c := &Cache[T]{watcher: watcher, field: field, keys: keys, open: map[types.NamespacedName]*opened[T]{}}
	_, _ = rand.Read(c.secret[:]) // never fails
	return c
}

// OnChange sets the callback for sources whose Secret has changed.
func (c *Cache[T]) OnChange(tell func(source types.NamespacedName)) {
	c.watcher.onChange(c.field, tell)
}

// Get returns the value of a source: the one that it keeps, or a new one, built from the Secret with that name, or from an empty one if
// the name is empty. The fingerprint changes with the settings and the values in use, and with nothing else. Errors are
// *condition.Error if a user has to act, and otherwise the API server's.
func (c *Cache[T]) Get(
	ctx context.Context, source types.NamespacedName, name, settings string, build func(secret *corev1.Secret) (T, error),
) (value T, fingerprint string, err error) {
	key := types.NamespacedName{Namespace: source.Namespace, Name: name}
	version, secret := "", &corev1.Secret{}
	if name == "" {
		c.watcher.forget(ref{source, c.field})
	} else {
		if err := c.checkName(name); err != nil {
			c.Forget(source)
			return value, "", err
		}
		var known bool
		if version, known, err = c.watcher.version(ctx, ref{source, c.field}, key); err != nil {
			return value, "", err
		}
		if known && version == "" {
			c.drop(source)
			return value, "", NotFound(key)
		}
		if open, ok := c.kept(source); ok && known && open.version == version && open.settings == settings {
			return open.value, open.fingerprint, nil
		}
		var done func()
		if secret, done, err = c.readInTurn(ctx, source, key); err != nil {
			return value, "", err
		}
		defer done()
		version = secret.ResourceVersion
	}
	fingerprint = c.fingerprint(settings, secret)
	if open, ok := c.kept(source); ok && open.fingerprint == fingerprint {
		c.keep(source, open, &opened[T]{open.value, settings, version, fingerprint})
		return open.value, fingerprint, nil
	}
	if err = condition.Contain(log.FromContext(ctx), func() (err error) {
		value, err = build(secret)
		return err
	}); err != nil {
		c.drop(source) // the old settings no longer apply, even if the new ones can't be used
		return value, "", err
	}
	value, err = c.replace(ctx, source, &opened[T]{value, settings, version, fingerprint})
	return value, fingerprint, err
}

// replace keeps the new value, unless another call has made the same meanwhile, or the source was forgotten: then ctx has ended. It returns
// the value that it keeps.
func (c *Cache[T]) replace(ctx context.Context, source types.NamespacedName, made *opened[T]) (kept T, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		made.value.Close()
		return kept, err
	}
	before, ok := c.open[source]
	if ok && before.fingerprint == made.fingerprint {
		made.value.Close()
		return before.value, nil
	}
	if ok {
		before.value.Close()
	}
	c.open[source] = made
	return made.value, nil
}

// checkName refuses a name that no Secret can have. The schema does so, too, but objects may be older than that rule. Such a name must not
// become part of a request's path.
func (c *Cache[T]) checkName(name string) error {
	if len(validation.IsDNS1123Subdomain(name)) == 0 {
		return nil
	}
	return &condition.Error{
		Reason: v1alpha1.ReasonInvalidSecret, Stalled: true,
		Message: fmt.Sprintf("%s.name %q can't be the name of a Secret: correct it. A name has lower-case letters, digits, "+
			"'-' and '.', and each part between dots begins and ends with a letter or a digit", c.field, name),
	}
}

// readInTurn reads a Secret once the source has a slot for it. done gives the slot back.
func (c *Cache[T]) readInTurn(
	ctx context.Context, source, key types.NamespacedName,
) (secret *corev1.Secret, done func(), err error) {
	if done, err = c.watcher.reads.Acquire(ctx, source); err != nil {
		return nil, nil, err
	}
	if secret, err = c.read(ctx, key); err != nil {
		done()
		if _, final := errors.AsType[*condition.Error](err); final {
			c.drop(source)
		}
		return nil, nil, err
	}
	return secret, done, nil
}

// read reads a Secret from the API server. The error is a *condition.Error if it does not exist, or is not of type Opaque: other types
// are meant for other programs, such as the token of a ServiceAccount or the password of a registry.
func (c *Cache[T]) read(ctx context.Context, key types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	// Without a logger: at high verbosity, client-go logs answers, up to the whole Secret.
	err := c.watcher.live.Get(logr.NewContext(ctx, logr.Discard()), key, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, NotFound(key)
	case err != nil:
		return nil, err
	case secret.Type != corev1.SecretTypeOpaque:
		return nil, &condition.Error{
			Reason: v1alpha1.ReasonInvalidSecret, Stalled: true,
			Message: fmt.Sprintf("Secret %q is of type %q, and only type Opaque is read: name one that was made with "+
				"kubectl create secret generic", key.Name, secret.Type),
		}
	}
	return secret, nil
}

// Nearly returns the key of a Secret that differs from this one in case and separators only, "" if there is none. Other keys are not
// revealed: people who may create sources need not be allowed to read Secrets.
func Nearly(secret *corev1.Secret, name string) string {
	plain := func(s string) string {
		return strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(s))
	}
	for _, entry := range slices.Sorted(maps.Keys(secret.Data)) {
		if entry != name && plain(entry) == plain(name) {
			return entry
		}
	}
	return ""
}

// NotFound says that a Secret does not exist.
func NotFound(key types.NamespacedName) *condition.Error {
	return &condition.Error{
		Reason: v1alpha1.ReasonSecretNotFound, Stalled: true,
		Message: fmt.Sprintf("Secret %q not found: create it in namespace %q with the Livepeer Studio API key under \"apiKey\"",
			key.Name, key.Namespace),
	}
}

// fingerprint identifies settings and values in use. It is keyed: nobody can try values against it.
func (c *Cache[T]) fingerprint(settings string, secret *corev1.Secret) string {
	hash := hmac.New(sha256.New, c.secret[:])
	fmt.Fprintf(hash, "%q", settings)
	for _, key := range c.keys {
		value, has := secret.Data[key]
		fmt.Fprintf(hash, " %t %q", has, value)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// Current returns the value of a source, if there is one.
func (c *Cache[T]) Current(source types.NamespacedName) (value T, ok bool) {
	open, ok := c.kept(source)
	if ok {
		value = open.value
	}
	return value, ok
}

func (c *Cache[T]) kept(source types.NamespacedName) (*opened[T], bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	open, ok := c.open[source]
	return open, ok
}

// keep updates what a value was made from, unless the value was closed meanwhile.
func (c *Cache[T]) keep(source types.NamespacedName, before, now *opened[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[source] == before {
		c.open[source] = now
	}
}

// drop closes the value of a source.
func (c *Cache[T]) drop(source types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if open, ok := c.open[source]; ok {
		open.value.Close()
		delete(c.open, source)
	}
}

// Forget closes the value of a source, and ends the watch of its Secret if no other source needs it.
func (c *Cache[T]) Forget(source types.NamespacedName) {
	c.watcher.forget(ref{source, c.field})
	c.drop(source)
}
