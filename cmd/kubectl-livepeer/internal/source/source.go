// SPDX-License-Identifier: Apache-2.0

// Package source holds what the plugin decides about sources: which one is meant, whether a request was carried out, and what confirms a
// paused deletion. It is pure.
package source

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Choose returns the source of a name, or the only one where no name was given.
func Choose(name, namespace string, sources []v1alpha1.LivepeerTaskSource) (*v1alpha1.LivepeerTaskSource, error) {
	var names []string
	for i := range sources {
		if sources[i].Name == name {
			return &sources[i], nil
		}
		names = append(names, sources[i].Name)
	}
	slices.Sort(names)
	there := strings.Join(names, ", ")
	switch {
	case len(sources) == 0:
		return nil, fmt.Errorf("no source in the namespace %s; name another with -n, or make one (docs/livepeertasksource.md)", namespace)
	case name != "":
		return nil, fmt.Errorf("no source %q in the namespace %s; there are: %s", name, namespace, there)
	case len(sources) > 1:
		return nil, fmt.Errorf("the namespace %s has %d sources; name one of them: %s", namespace, len(sources), there)
	}
	return &sources[0], nil
}

// Ready is the source's condition Ready, with the reason Unknown where the operator has not written one yet.
func Ready(s *v1alpha1.LivepeerTaskSource) metav1.Condition {
	if c := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady); c != nil {
		return *c
	}
	return metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonUnknown,
		Message: "the operator has not looked at this source yet",
	}
}

// token is how the message of PruningPaused names what confirms exactly this deletion.
var token = regexp.MustCompile(regexp.QuoteMeta(v1alpha1.AnnotationConfirmPrune) + `=([0-9a-zA-Z]+)`)

// Token returns what confirms the deletion that a source has paused.
func Token(s *v1alpha1.LivepeerTaskSource) (string, error) {
	ready := Ready(s)
	if ready.Reason != v1alpha1.ReasonPruningPaused {
		return "", fmt.Errorf("source %s has no deletion to confirm: Ready says %s", s.Name, ready.Reason)
	}
	match := token.FindStringSubmatch(ready.Message)
	if match == nil {
		return "", errors.New("the message of the source names no token; use the kubectl livepeer of the operator's version")
	}
	return match[1], nil
}

// Synced reports whether a sync request was carried out, or why it will not be. before is what was asked for last before that: any other
// request has taken the place of this one, and what it asks for begins later.
func Synced(s *v1alpha1.LivepeerTaskSource, before, request string) (bool, error) {
	asked, handled := s.Annotations[v1alpha1.AnnotationRequestedAt], s.Status.LastHandledReconcileAt
	switch {
	case handled == request, asked != "" && asked != before && asked == handled:
		return true, nil
	case s.Spec.Suspend:
		return false, fmt.Errorf("source %s is suspended and does not sync; kubectl livepeer resume %s lets it go on", s.Name, s.Name)
	}
	return false, nil
}
