// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	shortHash = 10 // hexadecimal digits of a hash that make a name unique in practice
	fullHash  = 64 // all of them
	maxBase   = validation.DNS1123SubdomainMaxLength - 1 - fullHash
)

// Names returns the names that the object of the task with this ID may have, best first: the ID in lower case if that
// is a valid name, then a readable form of it with a short hash, then with a full one. The same ID always gets the same
// names; two IDs can share the first (they differ in case only), never the last.
func Names(id string) []string {
	sum := sha256.Sum256([]byte(id))
	hash := hex.EncodeToString(sum[:])
	lower := lowerASCII(id)
	base, names := lower, make([]string, 0, 3)
	if len(validation.IsDNS1123Subdomain(lower)) == 0 {
		names = append(names, lower)
	} else {
		base = replaceOthers(lower, "")
	}
	if len(base) > maxBase {
		base = base[:maxBase]
	}
	if base = strings.Trim(base, "-."); base == "" {
		base = "task"
	}
	return append(names, base+"-"+hash[:shortHash], base+"-"+hash)
}

// LabelValue returns s if it is a valid label value, else something readable that is one: other characters become "-",
// what is too long is cut. "" stays "".
func LabelValue(s string) string {
	if len(content.IsLabelValue(s)) == 0 {
		return s
	}
	value := replaceOthers(s, "-_.")
	if len(value) > content.LabelValueMaxLength {
		value = value[:content.LabelValueMaxLength]
	}
	if value = strings.Trim(value, "-_."); value == "" {
		return "unknown" // there was something, and "" would say there was nothing
	}
	return value
}

// lowerASCII lowers ASCII letters only: Unicode has other letters whose lower case is an ASCII one.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// replaceOthers replaces every character that is neither an ASCII letter or digit nor in keep by "-".
func replaceOthers(s, keep string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r < 0x80 && strings.ContainsRune(keep, r):
			return r
		}
		return '-'
	}, s)
}
