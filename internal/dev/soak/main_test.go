// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestOptionsFrom(t *testing.T) {
	for name, test := range map[string]struct {
		env      map[string]string
		duration time.Duration
		seed     uint64
		wantErr  string
	}{
		"nothing":   {duration: 10 * time.Minute, seed: 7},
		"both":      {env: map[string]string{"SOAK_SECONDS": "30", "SOAK_SEED": "5"}, duration: 30 * time.Second, seed: 5},
		"no number": {env: map[string]string{"SOAK_SECONDS": "30s"}, wantErr: "SOAK_SECONDS"},
		"negative":  {env: map[string]string{"SOAK_SECONDS": "-1"}, wantErr: "SOAK_SECONDS"},
		"no seed":   {env: map[string]string{"SOAK_SEED": "-1"}, wantErr: "SOAK_SEED"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got, err := optionsFrom(func(key string) string { return test.env[key] }, time.Unix(0, 1_000_007))
			if test.wantErr != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.wantErr)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.duration).To(Equal(test.duration))
			g.Expect(got.seed).To(Equal(test.seed))
		})
	}
}

// The same seed must choose the same rounds, every kind among them.
func TestASeedChoosesTheRounds(t *testing.T) {
	g := NewWithT(t)
	choose := func() []round {
		w := &world{rand: rand.New(rand.NewPCG(3, 1))}
		var rounds []round
		for _, name := range w.shuffled() {
			rounds = append(rounds, randomRound(w.rand, name))
		}
		return rounds
	}

	g.Expect(choose()).To(Equal(choose()))
	g.Expect(choose()).To(HaveLen(len(disturbances())))
}

func TestReportTellsWhatIsWrong(t *testing.T) {
	g := NewWithT(t)
	report := newReport(t.Output())
	report.add(compared, 12)
	report.atLeast(memoryPeak, 5)
	report.atLeast(memoryPeak, 3)
	report.fault("Studio", "500")
	report.fault("Studio", "429")
	report.fault("Studio", "500")
	g.Expect(report.clean()).To(BeTrue())
	g.Expect(report.String()).To(And(
		MatchRegexp(`(?m)^tasks compared +12$`),
		MatchRegexp(`(?m)^operator memory peak \(KiB\) +5$`),
		MatchRegexp(`(?m)^faults injected: Studio +3  \(1 429, 2 500\)$`),
		MatchRegexp(`(?m)^differences +0$`),
	))

	report.wrong(differences, "%s", "something")

	g.Expect(report.clean()).To(BeFalse())
	g.Expect(report.String()).To(MatchRegexp(`(?m)^differences +1$`))
}
