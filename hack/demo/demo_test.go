// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// The whole demonstration, the operator's binary included.
func TestDemonstrateMirrorsTasks(t *testing.T) {
	g := NewWithT(t)
	t.Setenv("TMPDIR", t.TempDir())
	wanted := And(
		MatchRegexp(`(?m)^NAME +TYPE +PHASE +PROGRESS\(%\) +MESSAGE +UPDATED +AGE`),
		MatchRegexp(`(?m)^main +True `),
		MatchRegexp(`Mirrored 3\d\d tasks: `),
		MatchRegexp(`running -> completed`),
		MatchRegexp(`Studio pushed [1-9]\d* changes, in the median \d+ ms from Studio to the cluster\.`),
		MatchRegexp(`The operator asked Studio [1-9]\d* times\. The LivepeerTasks were written [1-9]\d* times\.`),
	)
	manager, err := controlplane.ManagerFor(t.Context(), t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	var shown string
	var failed error
	for _, duration := range []time.Duration{20 * time.Second, 2 * time.Minute} { // a busy machine takes longer
		shown, failed = demonstrated(t, options{manager: manager, duration: duration})
		if well, err := wanted.Match(shown); failed == nil && well && err == nil {
			break
		}
	}
	g.Expect(failed).NotTo(HaveOccurred(), "%s", shown)
	g.Expect(shown).To(wanted)
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "livepeer-demo-*", "*"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(HaveEach(HaveSuffix("operator.log")), "kubeconfigs hold credentials")
}

// demonstrated is what a demonstration shows, and how it ends.
func demonstrated(t *testing.T, with options) (shown string, failed error) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	failed = demonstrate(t.Context(), with, out)
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), failed
}

func TestDemonstrateSaysWhyTheOperatorEnded(t *testing.T) {
	g := NewWithT(t)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	g.Expect(err).NotTo(HaveOccurred())
	defer out.Close()
	t.Setenv("TMPDIR", t.TempDir())

	err = demonstrate(t.Context(), options{manager: script(t, "echo no such flag; exit 2"), duration: time.Minute}, out)

	g.Expect(err).To(MatchError(And(ContainSubstring("exit status 2"), ContainSubstring("no such flag"))))
}

func TestOptionsFrom(t *testing.T) {
	for name, test := range map[string]struct {
		env     map[string]string
		want    options
		wantErr string
	}{
		"nothing": {},
		"both": {
			env:  map[string]string{"DEMO_SECONDS": "30", "LIVEPEER_API_KEY": "key"},
			want: options{apiKey: "key", duration: 30 * time.Second},
		},
		"no number": {env: map[string]string{"DEMO_SECONDS": "30s"}, wantErr: "DEMO_SECONDS"},
		"negative":  {env: map[string]string{"DEMO_SECONDS": "-1"}, wantErr: "DEMO_SECONDS"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got, err := optionsFrom(func(key string) string { return test.env[key] })
			if test.wantErr != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.wantErr)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(test.want))
		})
	}
}

func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	NewWithT(t).Expect(os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700)).To(Succeed())
	return path
}
