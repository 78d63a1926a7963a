// SPDX-License-Identifier: Apache-2.0

// Package task holds what the plugin decides about tasks: their order, which one is meant, how it ended, and what came of it. It is
// pure: no cluster, no terminal, no clock.
package task

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// SortForList puts failed tasks first, then those under way, then those that completed or were cancelled; the newest first in each.
func SortForList(tasks []v1alpha1.LivepeerTask) { sortBy(tasks, listRank) }

// SortForWatch puts tasks under way first, since they are what moves, and then those that ended, the newest first.
func SortForWatch(tasks []v1alpha1.LivepeerTask) { sortBy(tasks, watchRank) }

func sortBy(tasks []v1alpha1.LivepeerTask, rank func(*v1alpha1.LivepeerTask) int) {
	slices.SortFunc(tasks, func(a, b v1alpha1.LivepeerTask) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), latest(&b).Compare(latest(&a)),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

func listRank(t *v1alpha1.LivepeerTask) int {
	switch {
	case t.Status.Phase == v1alpha1.PhaseFailed:
		return 0
	case !t.IsFinished():
		return 1
	}
	return 2
}

func watchRank(t *v1alpha1.LivepeerTask) int {
	switch {
	case t.Status.Phase == v1alpha1.PhaseRunning:
		return 0
	case !t.IsFinished():
		return 1
	}
	return 2
}

// Created is when the task was created in Studio, or, where that is not told, in the cluster.
func Created(t *v1alpha1.LivepeerTask) time.Time {
	if t.Status.CreatedAt != nil {
		return t.Status.CreatedAt.Time
	}
	return t.CreationTimestamp.Time
}

// latest is when a task last changed: what ended last is looked for first.
func latest(t *v1alpha1.LivepeerTask) time.Time {
	if t.Status.UpdatedAt != nil && t.IsFinished() {
		return t.Status.UpdatedAt.Time
	}
	return Created(t)
}

// Message says in a few words why a task failed or waits, or that it gets on no more.
func Message(t *v1alpha1.LivepeerTask) string {
	if condition := stalled(t); condition != nil {
		return condition.Message
	}
	if t.Status.ErrorMessage != "" && t.IsFinished() {
		return t.Status.ErrorMessage
	}
	if finished := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.ConditionFinished); finished != nil {
		return finished.Message
	}
	return ""
}

// stalled returns the condition of a task that Studio has not updated for too long, or nil.
func stalled(t *v1alpha1.LivepeerTask) *metav1.Condition {
	condition := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.ConditionStalled)
	if condition == nil || condition.Reason != v1alpha1.ReasonNoUpdate {
		return nil
	}
	return condition
}

// Phase is the task's phase, or unknown where Studio tells none.
func Phase(t *v1alpha1.LivepeerTask) string { return cmp.Or(t.Status.Phase, "unknown") }

// Filter says which tasks are asked for. Its zero value lets all through.
type Filter struct {
	Failed bool
	Type   string
	Source string
	Asset  string // ID of an input or output asset, or its name
}

// FieldSelector is as much of the filter as the API server can do.
func (f *Filter) FieldSelector() string {
	var parts []string
	if f.Failed {
		parts = append(parts, "status.phase="+v1alpha1.PhaseFailed)
	}
	if f.Type != "" {
		parts = append(parts, "spec.type="+fields.EscapeValue(f.Type))
	}
	return strings.Join(parts, ",")
}

// LabelSelector is the part that labels tell.
func (f *Filter) LabelSelector() string {
	if f.Source == "" {
		return ""
	}
	return v1alpha1.LabelSource + "=" + f.Source
}

// Matches does what is left: field selectors know no "or".
func (f *Filter) Matches(t *v1alpha1.LivepeerTask) bool {
	return f.Asset == "" || HasAsset(t, f.Asset) || IsCalled(t, f.Asset)
}

// IsCalled reports whether a task's asset or file has this name, whole or as far as the object shows it.
func IsCalled(t *v1alpha1.LivepeerTask, name string) bool {
	return strings.EqualFold(Name(t), name) || strings.EqualFold(t.Status.DisplayName, name)
}

// HasAsset reports whether an asset of this ID goes into the task or comes out of it.
func HasAsset(t *v1alpha1.LivepeerTask, id string) bool {
	return id != "" && (strings.EqualFold(t.Spec.InputAssetID, id) || strings.EqualFold(t.Spec.OutputAssetID, id))
}

// Name is what a person calls the task by: the name of its asset or file. It is "" where neither is known.
func Name(t *v1alpha1.LivepeerTask) string {
	if asset := t.OutputAsset(); asset != nil && asset.Name != "" {
		return asset.Name
	}
	return t.Status.DisplayName
}
