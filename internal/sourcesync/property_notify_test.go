// SPDX-License-Identifier: Apache-2.0

package sourcesync

import (
	"slices"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// keepsNotifications fails unless a write keeps what waits to be sent, and adds the phase that it changes to.
func (a *account) keepsNotifications(before, after *v1alpha1.LivepeerTask) {
	was, is := before.Status.Notifications, after.Status.Notifications
	phases := func(all []v1alpha1.Transition) (phases []string) {
		for i := range all {
			phases = append(phases, all[i].Phase)
		}
		return phases
	}
	want := phases(was)
	switch {
	case !a.api.Source.SendsEvents():
		want = nil
	case before.Status.ObservedGeneration < 1 && len(is) == 1: // whether a new task is news is another test's matter
		want = []string{after.Status.Phase}
	case before.Status.ObservedGeneration > 0 && before.Status.Phase != after.Status.Phase && after.Status.Phase != "":
		want = append(want, after.Status.Phase)
		if len(want) > v1alpha1.MaxNotifications {
			want = slices.Delete(want, 1, 2)
		}
	}
	if got := phases(is); !slices.Equal(got, want) {
		a.t.Errorf("seed %d: %s goes from %q to %q: %q waits, want %q", a.seed, before.Spec.ID, before.Status.Phase,
			after.Status.Phase, got, want)
	}
}
