// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestOptionsFrom(t *testing.T) {
	for name, test := range map[string]struct {
		env     map[string]string
		want    options
		wantErr string
	}{
		"nothing": {want: options{duration: 10 * time.Minute, seed: 7, tasks: 400, hanging: 500, kills: 5}},
		"all": {
			env:  map[string]string{"SOAK_SECONDS": "30", "SOAK_SEED": "5", "SOAK_SEEDS": "3"},
			want: options{duration: 30 * time.Second, seed: 5, seeds: 3, tasks: 400, hanging: 500, kills: 5},
		},
		"quick":     {env: map[string]string{"SOAK_QUICK": "1"}, want: options{duration: 10 * time.Minute, seed: 7}.quick()},
		"no number": {env: map[string]string{"SOAK_SECONDS": "30s"}, wantErr: "SOAK_SECONDS"},
		"negative":  {env: map[string]string{"SOAK_SECONDS": "-1"}, wantErr: "SOAK_SECONDS"},
		"no seed":   {env: map[string]string{"SOAK_SEED": "-1"}, wantErr: "SOAK_SEED"},
		"no seeds":  {env: map[string]string{"SOAK_SEEDS": "0"}, wantErr: "SOAK_SEEDS"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got, err := optionsFrom(func(key string) string { return test.env[key] }, time.Unix(0, 1_000_007))
			if test.wantErr != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.wantErr)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			test.want.manager, test.want.logs = got.manager, got.logs
			g.Expect(got).To(Equal(test.want))
		})
	}
}

// What a run prints to repeat it leads to the same run.
func TestAgain(t *testing.T) {
	for _, env := range []map[string]string{
		{"SOAK_QUICK": "1", "SOAK_SEED": "5"}, {"SOAK_SECONDS": "60", "SOAK_SEED": "5"},
	} {
		g := NewWithT(t)
		opts, err := optionsFrom(func(key string) string { return env[key] }, time.Now())
		g.Expect(err).NotTo(HaveOccurred())
		command, found := strings.CutPrefix(opts.again(), "make test-soak ")
		g.Expect(found).To(BeTrue())
		printed := map[string]string{}
		for _, variable := range strings.Fields(command) {
			key, value, _ := strings.Cut(variable, "=")
			printed[key] = value
		}
		g.Expect(printed).To(Equal(env))
	}
}

// The table of seeds has all that must be 0.
func TestColumns(t *testing.T) {
	g := NewWithT(t)
	var shown []figure
	for _, c := range columns() {
		shown = append(shown, c.of)
	}
	g.Expect(shown).To(ContainElements(bad()))
	head := tableHead()
	last := tableLine("7", func(f figure) int { return map[figure]int{stuck: 3}[f] })
	g.Expect(last).To(HaveLen(len(head)))
	g.Expect(last).To(HaveSuffix(" 3\n"))
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
