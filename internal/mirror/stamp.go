// SPDX-License-Identifier: Apache-2.0

package mirror

import "cmp"

// Stamp orders finished tasks by age: by their last update (milliseconds since 1970), then by ID.
type Stamp struct {
	UpdatedAt int64
	ID        string
}

// Compare is negative if s is older than other.
func (s Stamp) Compare(other Stamp) int {
	return cmp.Or(cmp.Compare(s.UpdatedAt, other.UpdatedAt), cmp.Compare(s.ID, other.ID))
}

// StampOf is the observed task's place in history.
func StampOf(observation *Observation) Stamp {
	stamp := Stamp{ID: observation.ID}
	if observation.Status.UpdatedAt != nil {
		stamp.UpdatedAt = observation.Status.UpdatedAt.UnixMilli()
	}
	return stamp
}
