// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// TestTheObjectThatNamesTheSource: of two objects that may be a task's, the one is put right that names the source, though its ID was
// edited, and not the one that only got the ID, by somebody's hand, and belongs to nobody.
func TestTheObjectThatNamesTheSource(t *testing.T) {
	g := NewWithT(t)
	names := mirror.Names("a")
	stored := map[string]mirror.Entry{
		names[0]: {Object: mirror.Object{Name: names[0]}, Shown: mirror.Shown{ID: "a"}, Edited: mirror.Edited{EditedID: true}},
		names[1]: {
			Object: mirror.Object{Name: names[1]}, Ownership: mirror.Ownership{OwnerName: "main", OwnerUID: "uid-of-main", SourceLabel: "main"},
			Shown: mirror.Shown{ID: "edited"}, Edited: mirror.Edited{EditedID: true},
		},
	}
	observed := []*mirror.Observation{{ID: "a", Spec: v1alpha1.LivepeerTaskSpec{ID: "a"}}}
	scope := Scope{Namespace: "media", Source: "main", SourceUID: "uid-of-main"}
	planned := Plan(scope, observed, func(name string) (mirror.Entry, bool) {
		entry, ok := stored[name]
		return entry, ok
	})
	g.Expect(planned.Actions).To(ConsistOf(And(HaveField("Verb", Update), HaveField("Stored.Name", names[1]))))

	delete(stored, names[1])
	planned = Plan(scope, observed, func(name string) (mirror.Entry, bool) {
		entry, ok := stored[name]
		return entry, ok
	})
	g.Expect(planned.Actions).To(ConsistOf(And(HaveField("Verb", Update), HaveField("Stored.Name", names[0]))), "nobody's, and the only one")
}
