// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math/bits"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/scan"
)

// Digest identifies content within this process: it is a hash with a random key, so that nobody can forge a
// collision. The order of an object's keys does not matter, since the API server sorts them.
type Digest uint64

// key is the key of all digests of this process; left and right are derived from it.
var (
	key   = maphash.MakeSeed()
	left  = maphash.String(key, "left")
	right = maphash.String(key, "right")
)

// What kind of value was hashed: the text "1" is not the number 1.
const (
	textTag Digest = iota + 1
	literalTag
	objectTag
	arrayTag
)

// with combines two digests into one; their order matters.
func (d Digest) with(other Digest) Digest {
	high, low := bits.Mul64(uint64(d)^left, uint64(other)^right)
	return Digest(high ^ low)
}

func hashed(content []byte) Digest { return Digest(maphash.Bytes(key, content)) }

// digestOf consumes any value and returns its digest. Numbers are equal if they are written in the same way: Convert and the
// API server write them as encoding/json does.
func digestOf(s *scan.Scanner) Digest {
	switch s.Peek() {
	case '"':
		return hashed(s.Text()).with(textTag)
	case '{':
		return members(s, func([]byte) Digest { return digestOf(s) })
	case '[':
		sum := arrayTag
		s.Array(func() { sum = sum.with(digestOf(s)) })
		return sum
	default:
		return hashed(s.Literal()).with(literalTag)
	}
}

// members consumes an object and returns the digest of its keys and of what value returns for their values. Members for which that
// is 0 are left out.
func members(s *scan.Scanner, value func(key []byte) Digest) Digest {
	var sum Digest
	s.Object(func(key []byte) {
		name := hashed(key)
		if content := value(key); content != 0 {
			sum += name.with(content)
		}
	})
	return sum.with(objectTag)
}

// SpecDigest identifies what an Update of the operator sets: the spec, its two labels and the owner.
func SpecDigest(task *v1alpha1.LivepeerTask) Digest {
	of := controlled{source: task.Labels[v1alpha1.LabelSource], kind: task.Labels[v1alpha1.LabelType]}
	if owner := metav1.GetControllerOfNoCopy(task); owner != nil {
		of.owner = *owner
	}
	return of.digest(digestOf(scan.New(encode(&task.Spec))))
}

// controlled is what the operator sets of a task's metadata.
type controlled struct {
	source, kind string // labels
	owner        metav1.OwnerReference
}

func (c *controlled) digest(spec Digest) Digest {
	for _, text := range []string{c.source, c.kind, c.owner.Kind, c.owner.Name, string(c.owner.UID)} {
		spec = spec.with(Digest(maphash.String(key, text)))
	}
	return spec
}

// StatusDigest identifies what a status write of the operator sets, apart from the observed generations: these follow
// metadata.generation, which only the API server knows. What waits to be sent is not part of it either: that does not
// follow from the task in Studio.
func StatusDigest(task *v1alpha1.LivepeerTask) Digest {
	var status statusReader
	return status.read(scan.New(encode(&task.Status)))
}

// StatusID identifies the same as StatusDigest, and is the same in every process.
func StatusID(task *v1alpha1.LivepeerTask) string {
	status := task.Status
	status.ObservedGeneration, status.Notifications = 0, nil
	status.Conditions = make([]metav1.Condition, len(task.Status.Conditions))
	for i, condition := range task.Status.Conditions {
		condition.ObservedGeneration = 0
		status.Conditions[i] = condition
	}
	sum := sha256.Sum256(encode(&status))
	return hex.EncodeToString(sum[:16])
}

func encode(content any) []byte {
	encoded, err := json.Marshal(content)
	if err != nil {
		// Only free-form JSON can fail to marshal, and neither Convert nor the API server lets invalid JSON through.
		// The result differs from all others.
		return fmt.Appendf(nil, "%q", fmt.Sprintf("unencodable: %p", content))
	}
	return encoded
}
