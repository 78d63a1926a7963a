// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// hashLength is how many digits of the selector's hash are in a lease's name: few enough to read, and enough for any number of shards.
const hashLength = 10

// Parse reads a selector of sources by their labels, as kubectl's --selector. The empty one selects all.
func Parse(text string) (labels.Selector, error) {
	selector, err := labels.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no selector of labels: %w. Write it as for kubectl get -l, for example "+
			"studio.livepeer.org/shard=a, or studio.livepeer.org/shard notin (a,b)", text, err)
	}
	if selector.Empty() && text != "" {
		return nil, fmt.Errorf("%q selects by no label: write for example studio.livepeer.org/shard=a, or leave the flag out", text)
	}
	return selector, nil
}

// LeaseName returns the name of the lease for a selector: each selector has another one, and equal selectors have the same,
// however they are written. It is the given name if all sources are selected.
func LeaseName(name string, selector labels.Selector) string {
	if selector.Empty() {
		return name
	}
	sum := sha256.Sum256([]byte(canonical(selector)))
	first, rest, _ := strings.Cut(name, ".")
	return first + "-" + hex.EncodeToString(sum[:])[:hashLength] + "." + rest
}

// canonical writes equal selectors in the same way.
func canonical(selector labels.Selector) string {
	requirements, _ := selector.Requirements()
	texts := make([]string, len(requirements))
	for i := range requirements {
		operator := requirements[i].Operator()
		switch operator {
		case selection.Equals, selection.DoubleEquals:
			operator = selection.In
		case selection.NotEquals:
			operator = selection.NotIn
		}
		values := requirements[i].ValuesUnsorted()
		slices.Sort(values)
		texts[i] = fmt.Sprintf("%s %s (%s)", requirements[i].Key(), operator, strings.Join(slices.Compact(values), ","))
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), ",")
}
