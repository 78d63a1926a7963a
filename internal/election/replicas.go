// SPDX-License-Identifier: Apache-2.0

package election

import (
	"context"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

const (
	// annotationKeys of the lease holds the public keys of the replicas, as name:key, the latest last.
	annotationKeys = "studio.livepeer.org/replica-keys"
	// maxKeys bounds them: keys of processes that have ended stay until newer ones displace them.
	maxKeys = 32
	// keyUse is part of the derivation of each shared key, so that it is a key for this use only.
	keyUse = "livepeer-task-operator: webhooks between replicas"
)

// replicas is what the lease says about the replicas: who leads, and for each the public key that it made when it
// started. Only replicas may write the lease, so that its keys are theirs. Nobody else can compute the key that two of them compute
// from the own private and the other's public key.
type replicas struct {
	name    string         // of this one
	address netip.AddrPort // of its receiver
	private *ecdh.PrivateKey

	mu     sync.Mutex
	holder string
	keys   map[string]string
	shared map[string][]byte // by public key
}

func newReplicas(name string, address netip.AddrPort) (*replicas, error) {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &replicas{name: name, address: address, private: private, shared: map[string][]byte{}}, nil
}

// see takes in a lease.
func (r *replicas) see(lease *coordinationv1.Lease) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holder = ""
	if lease.Spec.HolderIdentity != nil {
		r.holder = *lease.Spec.HolderIdentity
	}
	r.keys = map[string]string{}
	for _, entry := range entriesOf(lease) {
		name, key, _ := strings.Cut(entry, ":")
		r.keys[name] = key
	}
	maps.DeleteFunc(r.shared, func(key string, _ []byte) bool { return !slices.Contains(slices.Collect(maps.Values(r.keys)), key) })
}

func entriesOf(lease *coordinationv1.Lease) []string {
	entries := strings.Fields(lease.Annotations[annotationKeys])
	return entries[max(0, len(entries)-maxKeys):]
}

// join returns the lease with this replica's key in it, and whether it had to be put there.
func (r *replicas) join(lease *coordinationv1.Lease) (joined *coordinationv1.Lease, missing bool) {
	own := r.name + ":" + base64.RawURLEncoding.EncodeToString(r.private.PublicKey().Bytes())
	entries := entriesOf(lease)
	if slices.Contains(entries, own) {
		return lease, false
	}
	joined = lease.DeepCopy()
	metav1.SetMetaDataAnnotation(&joined.ObjectMeta, annotationKeys, strings.Join(append(entries, own), " "))
	return joined, true
}

// key returns the key that only this replica and the one of that name know.
func (r *replicas) key(name string) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	public, known := r.keys[name]
	if !known || name == r.name {
		return nil, false
	}
	if key, ok := r.shared[public]; ok {
		return key, true
	}
	raw, err := base64.RawURLEncoding.DecodeString(public)
	if err != nil {
		return nil, false
	}
	other, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return nil, false
	}
	secret, err := r.private.ECDH(other)
	if err != nil {
		return nil, false
	}
	both := [][]byte{raw, r.private.PublicKey().Bytes()}
	slices.SortFunc(both, slices.Compare)
	key, err := hkdf.Key(sha256.New, secret, nil, keyUse+string(slices.Concat(both...)), sha256.Size)
	if err != nil {
		return nil, false
	}
	r.shared[public] = key
	return key, true
}

// leader returns the name and the address of the leader; ok is false if there is none, it is this replica, or the address is not
// permitted.
func (r *replicas) leader() (name string, address netip.AddrPort, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, raw := inIdentity(r.holder)
	address, err := netip.ParseAddrPort(raw)
	return name, address, err == nil && r.besides(address)
}

// besides reports whether an address can be that of another replica's receiver: an IP address as pods have, other than
// this one's, with the same port. A forged lease can't direct requests to other addresses.
func (r *replicas) besides(address netip.AddrPort) bool {
	ip, own := address.Addr(), r.address.Addr()
	return address.Port() == r.address.Port() && ip != own && ip.Zone() == "" && !ip.Is4In6() &&
		(ip.IsGlobalUnicast() || ip.IsLoopback() && own.IsLoopback())
}

// identity returns the identity of a replica: its host, for people; its name, which is unique; and the address of its receiver.
func identity(host, name string, address netip.AddrPort) string {
	if !address.IsValid() {
		return host + "_" + name
	}
	return host + "_" + name + "_" + address.String()
}

// inIdentity returns the name and the address in an identity; empty if it has none.
func inIdentity(identity string) (name, address string) {
	parts := strings.Split(identity, "_") // neither a host's name nor an address has that character
	if len(parts) != 3 {
		return "", ""
	}
	return parts[1], parts[2]
}

// leases is a LeasesGetter whose leases keep the replicas' keys.
type leases struct {
	clientv1.LeasesGetter
	replicas *replicas
}

func (l *leases) Leases(namespace string) clientv1.LeaseInterface {
	return &leaseClient{LeaseInterface: l.LeasesGetter.Leases(namespace), replicas: l.replicas}
}

type leaseClient struct {
	clientv1.LeaseInterface
	replicas *replicas
}

// Get reads the lease, and adds this replica's key if it is missing.
func (c *leaseClient) Get(ctx context.Context, name string, options metav1.GetOptions) (*coordinationv1.Lease, error) {
	lease, err := c.LeaseInterface.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	if joined, missing := c.replicas.join(lease); missing {
		// If that fails, as when the leader has just renewed the lease, the next Get does it.
		if updated, err := c.LeaseInterface.Update(ctx, joined, metav1.UpdateOptions{}); err == nil {
			lease = updated
		}
	}
	c.replicas.see(lease)
	return lease, nil
}

func (c *leaseClient) Create(
	ctx context.Context, lease *coordinationv1.Lease, options metav1.CreateOptions,
) (*coordinationv1.Lease, error) {
	joined, _ := c.replicas.join(lease)
	return c.seen(c.LeaseInterface.Create(ctx, joined, options))
}

func (c *leaseClient) Update(
	ctx context.Context, lease *coordinationv1.Lease, options metav1.UpdateOptions,
) (*coordinationv1.Lease, error) {
	joined, _ := c.replicas.join(lease)
	return c.seen(c.LeaseInterface.Update(ctx, joined, options))
}

func (c *leaseClient) seen(lease *coordinationv1.Lease, err error) (*coordinationv1.Lease, error) {
	if err == nil {
		c.replicas.see(lease)
	}
	return lease, err
}
