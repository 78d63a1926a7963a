// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/source"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// Secret is what may be known of the Secret of a source: never what is in it.
type Secret struct {
	Readable, Exists, HasKey bool
	Type                     string
}

// statusEvery is how often the operator writes the time of the last poll where nothing else changes.
const statusEvery = 5 * time.Minute

// Source judges a source.
func Source(s *v1alpha1.LivepeerTaskSource, secret Secret, now time.Time) []Check {
	checks := []Check{Ready(s)}
	if secret.Readable {
		checks = append(checks, secretOf(s, secret))
	}
	if s.Spec.Suspend {
		return checks
	}
	checks = append(checks, host(s), poll(s, now), tasks(s), webhooks(s))
	if s.SendsEvents() {
		checks = append(checks, delivery(s))
	}
	return checks
}

// Ready judges what the operator says of a source.
func Ready(s *v1alpha1.LivepeerTaskSource) Check {
	condition := source.Ready(s)
	c := Check{OK, "source " + s.Name, condition.Reason + ": " + condition.Message, ""}
	switch {
	case condition.Reason == v1alpha1.ReasonSuspended:
		c.Level, c.Next = Warn, "kubectl livepeer resume "+s.Name+" lets it go on"
	case condition.Status == metav1.ConditionTrue:
	case condition.Reason == v1alpha1.ReasonSyncing:
		c.Level, c.Next = Warn, "wait for the first full sync"
	case condition.Reason == v1alpha1.ReasonUnknown:
		c.Level, c.Next = Warn, "see above whether the operator runs, and whether it watches this namespace"
	case condition.Reason == v1alpha1.ReasonPruningPaused:
		c.Level, c.Next = Fail, "check key and project; if the tasks are really gone: kubectl livepeer confirm-deletion "+s.Name
	default:
		c.Level, c.Next = Fail, "docs/runbook.md says what to do about "+condition.Reason
	}
	return c
}

func secretOf(s *v1alpha1.LivepeerTaskSource, secret Secret) Check {
	name := s.Spec.SecretRef.Name
	c := Check{OK, "source " + s.Name, "Secret " + name + " has an apiKey", ""}
	switch {
	case !secret.Exists:
		c.Level, c.Finding = Fail, "Secret "+name+" is not there"
		c.Next = fmt.Sprintf("kubectl -n %s create secret generic %s --from-file=apiKey=/dev/stdin", s.Namespace, name)
	case secret.Type != "Opaque":
		c.Level, c.Finding, c.Next = Fail, "Secret "+name+" is of type "+secret.Type, "make one of type Opaque"
	case !secret.HasKey:
		c.Level, c.Finding, c.Next = Fail, "Secret "+name+" has no apiKey", "put the Studio API key there, under the key apiKey"
	}
	return c
}

// elsewhere are the reasons why a source is not ready that say nothing against Studio's answers.
var elsewhere = []string{
	v1alpha1.ReasonSyncing, v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonInvalidSecret, v1alpha1.ReasonUnreadable,
	v1alpha1.ReasonPruningPaused, v1alpha1.ReasonConflict, v1alpha1.ReasonRefused, v1alpha1.ReasonWriteFailed, v1alpha1.ReasonInternalError,
}

// host tells whether Studio answered, as the operator last said: this plugin asks nobody but the cluster.
func host(s *v1alpha1.LivepeerTaskSource) Check {
	name := s.Spec.URL
	if parsed, err := url.Parse(s.Spec.URL); err == nil && parsed.Host != "" {
		name = parsed.Host
	}
	c := Check{OK, "source " + s.Name, name + " answers the operator", ""}
	ready := source.Ready(s)
	reason := ready.Reason
	switch {
	case slices.Contains([]string{v1alpha1.ReasonUnavailable, v1alpha1.ReasonMalformed, v1alpha1.ReasonInvalidURL}, reason):
		c.Level, c.Finding, c.Next = Fail, name+" does not answer the operator as it should", "see the message above, and spec.url"
	case reason == v1alpha1.ReasonUnauthorized:
		c.Level, c.Finding, c.Next = Fail, name+" answers, and refuses the key", "store another apiKey (docs/livepeertasksource.md)"
	case reason == v1alpha1.ReasonForbidden: // which a right that the operator lacks in the cluster has, too
		c.Level, c.Finding = Fail, "either "+name+" refuses the key, or the cluster refuses the operator"
		c.Next = "the message above says which, and docs/runbook.md what to do"
	case reason == v1alpha1.ReasonRateLimited:
		c.Level, c.Finding, c.Next = Warn, name+" answers, and asks for fewer requests", "raise spec.interval if that lasts"
	case s.Status.LastPollTime == nil:
		c.Level, c.Finding, c.Next = Warn, name+" has not answered the operator yet", "see the messages above"
	case ready.Status != metav1.ConditionTrue && !slices.Contains(elsewhere, reason): // a newer operator may say that
		c.Level, c.Finding, c.Next = Warn, "whether "+name+" answers the operator as it should is not known", "see the message above"
	}
	return c
}

// poll compares the age of the last poll with how often there should be one, and the status should say so.
func poll(s *v1alpha1.LivepeerTaskSource, now time.Time) Check {
	interval := s.Spec.Interval.Duration
	c := Check{Level: OK, What: "source " + s.Name}
	if s.Status.LastPollTime == nil {
		c.Level, c.Finding, c.Next = Warn, "was never polled", "see the messages above"
		return c
	}
	passed := now.Sub(s.Status.LastPollTime.Time)
	c.Finding = fmt.Sprintf("last poll %s ago, as far as its status tells; every %s", term.Age(passed), term.Duration(interval))
	if (passed-2*statusEvery)/3 > interval { // three of which may be more than a Duration holds
		c.Level, c.Next = Fail, "look at the operator's log"
		c.Finding = fmt.Sprintf("last poll %s ago, although it is polled every %s", term.Age(passed), term.Duration(interval))
	}
	return c
}

func webhooks(s *v1alpha1.LivepeerTaskSource) Check {
	c := Check{Level: OK, What: "source " + s.Name}
	receiving := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReceiving)
	switch {
	case receiving == nil:
		c.Finding = fmt.Sprintf("no webhooks: changes show within %s", term.Duration(s.Spec.Interval.Duration))
		c.Next = "docs/push.md says how they show at once"
	case receiving.Status != metav1.ConditionTrue:
		c.Level, c.Finding = Warn, "webhooks are not received, "+receiving.Reason+": "+receiving.Message
		c.Next = "store another webhookSecret, and in Studio too (docs/push.md)"
	case s.Status.Receiver == nil:
		c.Level, c.Finding, c.Next = Warn, "webhooks are received, but the status names no path", "look at the operator's log"
	default:
		c.Finding = "webhooks are received at " + s.Status.Receiver.Path
		c.Next = "kubectl livepeer webhook " + s.Name + " says what to register"
	}
	return c
}

// tasks says how many there are, and why there may be fewer than in Studio.
func tasks(s *v1alpha1.LivepeerTaskSource) Check {
	n := s.Status.Tasks
	c := Check{Level: OK, What: "source " + s.Name, Finding: fmt.Sprintf("%d tasks mirrored", n.Total)}
	if len(s.Spec.Types) > 0 {
		c.Finding += ", of the types " + strings.Join(s.Spec.Types, ", ") + " only (spec.types)"
	}
	if n.Omitted > 0 {
		c.Finding += fmt.Sprintf(", without %d finished ones beyond spec.history", n.Omitted)
	}
	if n.Stalled > 0 {
		c.Level, c.Next = Warn, "kubectl livepeer list says which under MESSAGE, and Studio what they wait for"
		c.Finding += fmt.Sprintf("; %d are under way without an update for longer than spec.stallAfter", n.Stalled)
	}
	return c
}

// delivery judges the sending of CloudEvents.
func delivery(s *v1alpha1.LivepeerTaskSource) Check {
	c := Check{Level: OK, What: "source " + s.Name}
	delivering := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionDelivering)
	if delivering == nil {
		c.Level, c.Finding, c.Next = Warn, "whether CloudEvents reach their sink is not told yet", "see the messages above"
		return c
	}
	c.Finding = "CloudEvents, " + delivering.Reason + ": " + delivering.Message
	if delivering.Status != metav1.ConditionTrue {
		c.Level, c.Next = Fail, "docs/runbook.md says what to do about "+delivering.Reason
	}
	return c
}
