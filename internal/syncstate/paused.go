// SPDX-License-Identifier: Apache-2.0

package syncstate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/condition"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
)

// Paused is a deletion that waits for confirmation.
type Paused struct {
	Missing int
	// Total is how many tasks were mirrored before any went missing; 0 if that is not known.
	Total int
	// said is the condition's message by an earlier process, until a full sync makes a new one.
	said string
	// Elsewhere: the missing tasks are another project's.
	Elsewhere bool
	Token     string
}

// TokenFor returns the token for exactly these tasks.
func TokenFor(missing []mirror.Entry) string {
	ids := make([]string, len(missing))
	for i := range missing {
		ids[i] = missing[i].ID
	}
	slices.Sort(ids)
	hash := sha256.New()
	for _, id := range ids {
		fmt.Fprintf(hash, "%q\n", id)
	}
	return hex.EncodeToString(hash.Sum(nil))[:12]
}

// pausedAs returns a deletion that an earlier process has paused, by its message, which ends with the token.
func pausedAs(message string) *Paused {
	return &Paused{said: message, Token: message[strings.LastIndex(message, "=")+1:]}
}

// problem says how to confirm the deletion.
func (p *Paused) problem(source *v1alpha1.LivepeerTaskSource) *condition.Error {
	if p.said != "" {
		return &condition.Error{Reason: v1alpha1.ReasonPruningPaused, Stalled: true, Message: p.said}
	}
	why := "they are kept in case the key or the project is wrong"
	if p.Elsewhere {
		why = "Studio shows them in another project than the key's, and they are kept in case the key is wrong"
	}
	return &condition.Error{
		Reason: v1alpha1.ReasonPruningPaused, Stalled: true,
		Message: fmt.Sprintf("%d of %d mirrored tasks are missing from the API; %s. To delete them from the cluster: "+
			"kubectl annotate --overwrite livepeertasksource -n %s %s %s=%s",
			p.Missing, max(p.Missing, p.Total), why, source.Namespace, source.Name, v1alpha1.AnnotationConfirmPrune, p.Token),
	}
}
