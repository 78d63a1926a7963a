// SPDX-License-Identifier: Apache-2.0

package task

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Selectors are the field selectors that find what an argument means: the name of a task, its ID, or the ID of an asset, as it is
// written and in either case. Choose decides between what they find.
func Selectors(arg string) []string {
	var selectors []string
	if name := strings.ToLower(arg); len(validation.IsDNS1123Subdomain(name)) == 0 {
		selectors = append(selectors, "metadata.name="+name)
	}
	ids := []string{arg, strings.ToLower(arg), strings.ToUpper(arg)}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		id = fields.EscapeValue(id)
		selectors = append(selectors, "spec.id="+id, "spec.outputAssetId="+id, "spec.inputAssetId="+id)
	}
	return selectors
}

// Choose returns the task that an argument means, or nil: the one with this ID or name; else, of those that an asset of this ID goes
// into or comes out of, the newest.
func Choose(arg string, tasks []v1alpha1.LivepeerTask) *v1alpha1.LivepeerTask {
	for _, is := range []func(*v1alpha1.LivepeerTask) bool{
		func(t *v1alpha1.LivepeerTask) bool { return t.Spec.ID == arg },
		func(t *v1alpha1.LivepeerTask) bool { return strings.EqualFold(t.Spec.ID, arg) },
		func(t *v1alpha1.LivepeerTask) bool { return strings.EqualFold(t.Name, arg) },
	} {
		for i := range tasks {
			if is(&tasks[i]) {
				return &tasks[i]
			}
		}
	}
	if found := OfAsset(arg, tasks); len(found) > 0 {
		return found[0]
	}
	return nil
}

// OfAsset returns the tasks that an asset goes into or comes out of, the newest first.
func OfAsset(id string, tasks []v1alpha1.LivepeerTask) []*v1alpha1.LivepeerTask {
	found := matching(tasks, func(t *v1alpha1.LivepeerTask) bool { return HasAsset(t, id) })
	slices.SortFunc(found, func(a, b *v1alpha1.LivepeerTask) int {
		return cmp.Or(Created(b).Compare(Created(a)), cmp.Compare(a.Name, b.Name))
	})
	return found
}

// Exit codes of the plugin, which scripts rely on.
const (
	ExitCompleted = 0
	ExitFailed    = 1 // failed, cancelled, gone, or an error of the plugin
	ExitTimeout   = 2
)

// Outcome says how a task ended.
type Outcome struct {
	Ended   bool
	Code    int
	Message string // a sentence without a full stop
	Trouble string // what a task that is under way has met so far, as the end of that sentence; or ""
}

// OutcomeOf returns how a task ended, if it did.
func OutcomeOf(t *v1alpha1.LivepeerTask) Outcome {
	what := Title(t)
	switch t.Status.Phase {
	case v1alpha1.PhaseCompleted:
		return Outcome{Ended: true, Code: ExitCompleted, Message: what + " completed"}
	case v1alpha1.PhaseFailed:
		why := cmp.Or(t.Status.ErrorMessage, "Studio gives no reason; look at it in Studio, where it can be retried")
		return Outcome{Ended: true, Code: ExitFailed, Message: what + " failed: " + why}
	case v1alpha1.PhaseCancelled:
		return Outcome{Ended: true, Code: ExitFailed, Message: what + " was cancelled; it can be retried in Studio"}
	}
	return Outcome{Message: what + " is " + Phase(t), Trouble: trouble(t)}
}

func trouble(t *v1alpha1.LivepeerTask) string {
	var met string
	if t.Status.ErrorMessage != "" {
		met = ", and its last attempt failed: " + t.Status.ErrorMessage
	}
	if stalled(t) != nil && t.Status.UpdatedAt != nil {
		met = ", without an update since " + t.Status.UpdatedAt.UTC().Format(time.RFC3339) + met
	}
	return met
}

// Title names a task: its type, the name of its asset where there is one, and its own.
func Title(t *v1alpha1.LivepeerTask) string {
	kind := cmp.Or(t.Spec.Type, "task")
	if name := Name(t); name != "" {
		return fmt.Sprintf("%s %s (%s)", kind, name, t.Name)
	}
	return kind + " " + t.Name
}

// fewest is how much of a name has to be written for it to mean a task: as much as the first part of a UUID has.
const fewest = 8

// IsID reports whether an argument is a whole UUID, as Studio's IDs are, which selectors find. Anything else may be the name of an asset,
// or the first part of a task's.
func IsID(arg string) bool {
	const whole = 36
	return len(arg) == whole && strings.Trim(arg, "0123456789abcdefABCDEF-") == ""
}

// ChooseAmong is Choose for all tasks, where a part of a name will do, and the name of an asset as list shows it. It is an error where
// that means more than one.
func ChooseAmong(arg string, tasks []v1alpha1.LivepeerTask) (*v1alpha1.LivepeerTask, error) {
	if chosen := Choose(arg, tasks); chosen != nil || arg == "" {
		return chosen, nil
	}
	if len(arg) >= fewest {
		begun := matching(tasks, func(t *v1alpha1.LivepeerTask) bool { return strings.HasPrefix(t.Name, strings.ToLower(arg)) })
		switch {
		case len(begun) > 1:
			return nil, fmt.Errorf("%q begins the names of both %s and %s; write more of it", arg, begun[0].Name, begun[1].Name)
		case len(begun) == 1:
			return begun[0], nil
		}
	}
	called := matching(tasks, func(t *v1alpha1.LivepeerTask) bool { return IsCalled(t, arg) })
	switch {
	case len(called) > 1:
		return nil, fmt.Errorf("%q is what %d tasks are called, such as %s and %s; name one of them",
			arg, len(called), called[0].Name, called[1].Name)
	case len(called) == 1:
		return called[0], nil
	}
	return nil, nil
}

func matching(tasks []v1alpha1.LivepeerTask, is func(*v1alpha1.LivepeerTask) bool) (found []*v1alpha1.LivepeerTask) {
	for i := range tasks {
		if is(&tasks[i]) {
			found = append(found, &tasks[i])
		}
	}
	return found
}
