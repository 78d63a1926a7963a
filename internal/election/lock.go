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

// Lock is the lease, which notes who holds it.
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
	// Address of this replica's receiver; not valid where the others can't reach it.
	Address netip.AddrPort
}

// NewLock makes the lock of this replica, as controller-runtime would but for the address and the keys.
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
	// A copy: the time-out below is not for the operator's lists and watches.
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

// errNotRenewed says why the lease is not given back.
var errNotRenewed = errors.New("the lease could not be renewed: it runs out, so that nobody takes it before what is under way has ended")

// Create makes the lease, as this replica's.
func (l *Lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.renew(func() error { return l.LeaseLock.Create(ctx, record) })
}

// Update takes the lease, renews it, or gives it back: but not where it could not be renewed in time. The elector does so before it says
// that the lease is lost, so that another replica would begin while this one still writes.
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

// Record sets who is told of elections, and when this replica leads. It has to be called before the election begins.
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

// Leader is where the receiver of the replica that leads is, and what only it and this one know; ok is false where none
// does, its receiver is not known or can't be there, or it is this one.
func (l *Lock) Leader() (address netip.AddrPort, key []byte, ok bool) {
	name, address, ok := l.replicas.leader()
	if !ok {
		return netip.AddrPort{}, nil, false
	}
	key, ok = l.replicas.key(name)
	return address, key, ok
}

// Name is how the other replicas know this one.
func (l *Lock) Name() string { return l.replicas.name }

// Key is what only this replica and the one of that name know.
func (l *Lock) Key(name string) ([]byte, bool) { return l.replicas.key(name) }
