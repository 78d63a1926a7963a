// SPDX-License-Identifier: Apache-2.0

package election

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/utils/clock"
)

// namespaceFile says which namespace a pod is in.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Lock is the lease, and remembers who holds it.
type Lock struct {
	*resourcelock.LeaseLock

	replicas *replicas
	elected  atomic.Pointer[<-chan struct{}]

	clock    clock.PassiveClock
	deadline time.Duration
	renewed  time.Time // when the request was sent by which this replica has the lease
}

var _ resourcelock.Interface = &Lock{}

// Options say which lease it is, and for whom.
type Options struct {
	// Namespace of the lease; empty means that of the pod.
	Namespace string
	Name      string
	// RenewDeadline is how long the holder tries to renew the lease.
	RenewDeadline time.Duration
	// Address of this replica's receiver; invalid if others can't reach it.
	Address netip.AddrPort
}

// NewLock makes the lock of this replica, as controller-runtime would, but with the address and the keys.
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
	replicas, err := newReplicas(string(uuid.NewUUID()), options.Address)
	if err != nil {
		return nil, fmt.Errorf("key of this replica: %w", err)
	}
	// A copy, since the time-out below must not apply to the operator's lists and watches.
	config = rest.AddUserAgent(rest.CopyConfig(config), "leader-election")
	// One request that hangs must not cost the lease.
	config.Timeout = max(options.RenewDeadline/2, time.Second)
	client, err := coordinationv1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client for leases: %w", err)
	}
	return &Lock{replicas: replicas, clock: clock.RealClock{}, deadline: options.RenewDeadline, LeaseLock: &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: options.Namespace, Name: options.Name},
		Client:     &leases{LeasesGetter: client, replicas: replicas},
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity(host, replicas.name, options.Address)},
	}}, nil
}

// errNotRenewed says why the lease is not released.
var errNotRenewed = errors.New("the lease could not be renewed: it runs out, so that nobody takes it before what is under way has ended")

// Create creates the lease, held by this replica.
func (l *Lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.renew(func() error { return l.LeaseLock.Create(ctx, record) })
}

// Update takes, renews or releases the lease, but does not release one that it could not renew in time: the elector releases that before it
// reports the loss, so that another replica would begin while this one still writes.
func (l *Lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if record.HolderIdentity == "" && l.clock.Since(l.renewed) >= l.deadline {
		return errNotRenewed
	}
	return l.renew(func() error { return l.LeaseLock.Update(ctx, record) })
}

func (l *Lock) renew(write func() error) error {
	sent := l.clock.Now()
	err := write()
	if err == nil {
		l.renewed = sent
	}
	return err
}

// Record sets the recorder of elections, and elected, which is closed when this replica leads. Call it before the election begins.
func (l *Lock) Record(recorder resourcelock.EventRecorder, elected <-chan struct{}) {
	l.LockConfig.EventRecorder = recorder
	l.elected.Store(&elected)
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

// Leader returns the address of the leader's receiver, and the key that only it and this replica know; ok is false if there is no
// leader, its receiver's address is unknown or not permitted, or it is this replica.
func (l *Lock) Leader() (address netip.AddrPort, key []byte, ok bool) {
	name, address, ok := l.replicas.leader()
	if !ok {
		return netip.AddrPort{}, nil, false
	}
	key, ok = l.replicas.key(name)
	return address, key, ok
}

// Name returns the name by which other replicas know this one.
func (l *Lock) Name() string { return l.replicas.name }

// Key returns the key that only this replica and the one of that name know.
func (l *Lock) Key(name string) ([]byte, bool) { return l.replicas.key(name) }
