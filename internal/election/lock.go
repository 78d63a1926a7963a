// SPDX-License-Identifier: Apache-2.0

// Package election is the lease by which one of several replicas leads, and by which the others learn where its receiver
// of webhooks is: the address is part of the name that the holder of the lease writes into it. That takes no request and no
// right more than the election itself.
package election

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// namespaceFile says which namespace a pod is in.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Lock is the lease, which notes who holds it.
type Lock struct {
	*resourcelock.LeaseLock

	holder  atomic.Pointer[string]
	elected atomic.Pointer[<-chan struct{}]
}

var _ resourcelock.Interface = &Lock{}

// Options say which lease it is, and for whom.
type Options struct {
	// Namespace of the lease; empty means that of the pod.
	Namespace string
	Name      string
	// RenewDeadline is how long the holder tries to renew the lease.
	RenewDeadline time.Duration
	// Address of this replica's receiver; empty where the others can't reach it.
	Address string
}

// NewLock makes the lock of this replica, as controller-runtime would but for the address.
func NewLock(config *rest.Config, options Options) (*Lock, error) {
	if options.Namespace == "" {
		namespace, err := os.ReadFile(namespaceFile)
		if errors.Is(err, os.ErrNotExist) {
			return nil, errors.New("not running in a pod: say by POD_NAMESPACE where the lease is, or leave out --leader-elect")
		} else if err != nil {
			return nil, fmt.Errorf("namespace of the lease: %w", err)
		}
		options.Namespace = string(namespace)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	config = rest.AddUserAgent(config, "leader-election")
	// One request that hangs must not cost the lease.
	config.Timeout = max(options.RenewDeadline/2, time.Second)
	leases, err := coordinationv1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client for leases: %w", err)
	}
	return &Lock{LeaseLock: &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: options.Namespace, Name: options.Name},
		Client:     leases,
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity(host, string(uuid.NewUUID()), options.Address)},
	}}, nil
}

// Record sets who is told of elections, and when this replica leads. It has to be called before the election begins.
func (l *Lock) Record(recorder resourcelock.EventRecorder, elected <-chan struct{}) {
	l.LockConfig.EventRecorder = recorder
	l.elected.Store(&elected)
}

// Get reads who holds the lease.
func (l *Lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.LeaseLock.Get(ctx)
	if err == nil {
		l.holder.Store(&record.HolderIdentity)
	}
	return record, raw, err
}

// Create makes the lease.
func (l *Lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	err := l.LeaseLock.Create(ctx, record)
	if err == nil {
		l.holder.Store(&record.HolderIdentity)
	}
	return err
}

// Update renews the lease, takes it over or gives it up.
func (l *Lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	err := l.LeaseLock.Update(ctx, record)
	if err == nil {
		l.holder.Store(&record.HolderIdentity)
	}
	return err
}

// Leading reports whether this replica leads.
func (l *Lock) Leading() bool {
	elected := l.elected.Load()
	if elected == nil {
		return false
	}
	select {
	case <-*elected:
		return true
	default:
		return false
	}
}

// Leader is the address of the receiver of the replica that leads; empty where none does, it has none, or it is this one.
func (l *Lock) Leader() string {
	holder := l.holder.Load()
	if holder == nil || *holder == l.Identity() {
		return ""
	}
	return addressIn(*holder)
}

// identity names a replica: who it is for people, what makes it unique, and the address of its receiver.
func identity(host, unique, address string) string {
	if address == "" {
		return host + "_" + unique
	}
	return host + "_" + unique + "_" + address
}

// addressIn returns the address in an identity; empty where there is none.
func addressIn(identity string) string {
	parts := strings.Split(identity, "_") // neither a host's name nor an address has that character
	if len(parts) != 3 {
		return ""
	}
	return parts[2]
}
