// SPDX-License-Identifier: Apache-2.0

package shard_test

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/livepeer/livepeer-task-operator/internal/shard"
)

const lease = "livepeer-task-operator.studio.livepeer.org"

func nameOf(t *testing.T, selector string) string {
	t.Helper()
	parsed, err := shard.Parse(selector)
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), selector)
	return shard.LeaseName(lease, parsed)
}

// TestLeaseName: selectors share a lease exactly where they say the same.
func TestLeaseName(t *testing.T) {
	g := NewWithT(t)
	of := map[string]string{}
	for _, same := range [][]string{
		{"shard=a", "shard==a", " shard = a ", "shard in (a)", "shard=a,shard=a"},
		{"shard=b"},
		{"shard=A"},
		{"other=a"},
		{"shard!=a", "shard notin (a)"},
		{"shard in (a,b)", "shard in (b, a)", "shard in (a,b,a)"},
		{"shard notin (a,b)", "shard notin (b,a)"},
		{"shard"},
		{"!shard"},
		{"shard="},
		{"shard=a,tier=gold", "tier=gold,shard=a", "tier in (gold), shard==a"},
		{"shard!=a,shard!=b", "shard!=b,shard!=a"},
		{"studio.livepeer.org/shard=a"},
		{"shard>1"},
		{"shard<1"},
	} {
		first := nameOf(t, same[0])
		g.Expect(validation.IsDNS1123Subdomain(first)).To(BeEmpty(), first)
		g.Expect(first).To(MatchRegexp(`^livepeer-task-operator-[0-9a-f]{10}\.studio\.livepeer\.org$`))
		g.Expect(of).NotTo(HaveKey(first), "%s has the lease of %s", same[0], of[first])
		of[first] = same[0]
		for _, other := range same {
			g.Expect(nameOf(t, other)).To(Equal(first), other)
		}
	}
	g.Expect(nameOf(t, "")).To(Equal(lease), "one operator for all has the lease that it always had")
	// A replica of another version must find the same lease, or two would lead in one shard during an upgrade.
	g.Expect(nameOf(t, "studio.livepeer.org/shard=a")).To(Equal("livepeer-task-operator-a8a45185b8.studio.livepeer.org"))
}

// TestParse: what is no selector is an error that says what to write.
func TestParse(t *testing.T) {
	g := NewWithT(t)
	for _, bad := range []string{
		"=a", "shard=a=b", "shard in a", "shard in (a", "shard=a b", "sh ard=a", "-shard=a", "shard=a,", "shard=ä", "!shard=a", " ", "{shard: a}",
	} {
		_, err := shard.Parse(bad)
		g.Expect(err).To(MatchError(And(ContainSubstring(bad), ContainSubstring("studio.livepeer.org/shard=a"))), bad)
	}
	all, err := shard.Parse("")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all.Empty()).To(BeTrue())
	some, err := shard.Parse("studio.livepeer.org/shard notin (a,b)")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(some.Matches(labels.Set{})).To(BeTrue())
	g.Expect(some.Matches(labels.Set{"studio.livepeer.org/shard": "a"})).To(BeFalse())
}
