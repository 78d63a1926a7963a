// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"slices"
	"strings"
	"testing"
)

// TestPossibleIDs: the name of an object whose ID was edited tells the ID only where it is a UUID, which may have been in either case.
// A name with a hash, or one that several IDs lead to, tells nothing: taken for the ID, it would have a task deleted that is there.
func TestPossibleIDs(t *testing.T) {
	const id = "81af14c1-0000-4000-8000-000000000011"
	upper := strings.ToUpper(id)
	edited := func(name, id string) Entry {
		entry := Entry{}
		entry.Name, entry.ID, entry.EditedID = name, id, true
		return entry
	}
	untouched := edited(id, upper)
	untouched.EditedID = false
	for what, c := range map[string]struct {
		entry Entry
		want  []string
	}{
		"a UUID":                          {edited(id, "edited"), []string{id, upper}},
		"edited back to its name":         {edited(id, id), []string{id, upper}},
		"untouched":                       {untouched, nil},
		"a name with a short hash":        {edited(Names("0A4d61ae-4")[1], Names("0A4d61ae-4")[1]), nil},
		"that of a UUID's twin":           {edited(Names(upper)[1], "edited"), nil},
		"a name with the whole hash":      {edited(Names(id)[2], "edited"), nil},
		"a name that many cases lead to":  {edited("intro-to-video", "edited"), nil},
		"an ID that can be no name, made": {edited(Names("no name / 7")[0], "edited"), nil},
	} {
		if got := c.entry.PossibleIDs(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", what, got)
		}
	}
}
