// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Digest identifies content: 16 bytes of its SHA-256. The zero Digest belongs to no content.
type Digest [16]byte

// SpecDigest identifies what a main-resource write of the operator sets: the spec, its two labels and the owner.
func SpecDigest(task *v1alpha1.LivepeerTask) Digest {
	owner := metav1.GetControllerOfNoCopy(task)
	if owner == nil {
		owner = &metav1.OwnerReference{}
	}
	return digest(struct {
		Source, Type, Kind, Owner string
		UID                       types.UID
		Spec                      *v1alpha1.LivepeerTaskSpec
	}{
		task.Labels[v1alpha1.LabelSource], task.Labels[v1alpha1.LabelType], owner.Kind, owner.Name, owner.UID, &task.Spec,
	})
}

// StatusDigest identifies what a status write of the operator sets, apart from the observed generations: these follow
// metadata.generation, which only the API server knows. What waits to be sent is not part of it either: that does not
// follow from the task in Studio.
func StatusDigest(task *v1alpha1.LivepeerTask) Digest {
	status := task.Status
	status.ObservedGeneration, status.Notifications = 0, nil
	status.Conditions = make([]metav1.Condition, len(task.Status.Conditions))
	for i, condition := range task.Status.Conditions {
		condition.ObservedGeneration = 0
		status.Conditions[i] = condition
	}
	return digest(&status)
}

// digest hashes the JSON form. Free-form JSON inside is canonical on both sides: Convert makes it so, and the API
// server answers it with sorted keys; encoding/json evens out white space and escapes.
func digest(content any) Digest {
	encoded, err := json.Marshal(content)
	if err != nil {
		// Only free-form JSON can fail to marshal, and neither Convert nor the API server lets invalid JSON through.
		// Content that can't be identified equals no other.
		encoded = fmt.Appendf(nil, "unencodable: %p", content)
	}
	sum := sha256.Sum256(encoded)
	return Digest(sum[:len(Digest{})])
}
