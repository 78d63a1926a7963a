// SPDX-License-Identifier: Apache-2.0

package task

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Field is a line of what is shown of a task.
type Field struct{ Label, Value string }

// Section is some lines under a heading.
type Section struct {
	Heading string
	Fields  []Field
}

func (s *Section) add(label, value string) {
	if value != "" {
		s.Fields = append(s.Fields, Field{label, value})
	}
}

// Describe returns what a person wants to know of one task. Sections without lines are left out. age says how long something took.
func Describe(t *v1alpha1.LivepeerTask, now time.Time, age func(time.Duration) string) []Section {
	sections := []Section{what(t), progress(t, now, age), {Heading: "Result"}, conditions(t), leftOut(t)}
	for _, result := range Results(t) {
		sections[2].add(result.Label, result.Value)
	}
	sections[2].made(t, age)
	return slices.DeleteFunc(sections, func(s Section) bool { return len(s.Fields) == 0 })
}

func what(t *v1alpha1.LivepeerTask) Section {
	s := Section{Heading: cmp.Or(t.Spec.Type, "task") + " " + t.Name}
	s.add("Asset", Name(t))
	s.add("Input asset", t.Spec.InputAssetID)
	s.add("Output asset", OutputAsset(t))
	s.add("Asked for", asked(t.Spec.Params))
	s.add("From", host(from(t.Spec.Params)))
	s.add("To", host(to(t.Spec.Params)))
	if t.Spec.ID != t.Name {
		s.add("Task ID", t.Spec.ID)
	}
	s.add("Project", t.Spec.ProjectID)
	s.add("Creator", creator(t))
	s.add("Requester", t.Spec.RequesterID)
	s.add("Source", t.Labels[v1alpha1.LabelSource])
	return s
}

func progress(t *v1alpha1.LivepeerTask, now time.Time, age func(time.Duration) string) Section {
	s := Section{Heading: "Progress"}
	phase := Phase(t)
	if t.Status.Progress != nil && !t.IsFinished() {
		phase += fmt.Sprintf(", %d%%", *t.Status.Progress)
	}
	s.add("Phase", phase)
	at := func(label string, when time.Time) {
		s.add(label, when.UTC().Format(time.RFC3339)+" ("+age(now.Sub(when))+" ago)")
	}
	created, scheduled := t.Status.CreatedAt, t.Status.ScheduledAt
	switch {
	case created != nil:
		at("Created", created.Time)
	case !t.CreationTimestamp.IsZero():
		at("First mirrored", t.CreationTimestamp.Time)
	}
	if scheduled != nil && (created == nil || scheduled.Sub(created.Time).Abs() >= time.Second) {
		at("Scheduled", scheduled.Time)
	}
	switch updated := t.Status.UpdatedAt; {
	case t.IsFinished() && updated != nil && created != nil:
		s.add("Took", age(updated.Sub(created.Time)))
	case updated != nil:
		s.add("Last update", age(now.Sub(updated.Time))+" ago")
	}
	if t.Status.Retries != nil && *t.Status.Retries > 0 {
		s.add("Retries", fmt.Sprint(*t.Status.Retries))
	}
	s.add("Error", t.Status.ErrorMessage)
	return s
}

func conditions(t *v1alpha1.LivepeerTask) Section {
	s := Section{Heading: "Conditions"}
	for i := range t.Status.Conditions {
		c := &t.Status.Conditions[i]
		value := fmt.Sprintf("%s (%s)", c.Status, c.Reason)
		if c.Message != "" && c.Message != t.Status.ErrorMessage {
			value += ": " + c.Message
		}
		s.add(c.Type, value)
	}
	return s
}

func leftOut(t *v1alpha1.LivepeerTask) Section {
	s := Section{Heading: "Not shown in full"}
	s.add("Masked", paths(t.Spec.RedactedFields, t.Status.RedactedFields))
	// Studio sends its own userId with every task: what is lost of this one would drown.
	lost := slices.DeleteFunc(slices.Clone(t.Spec.OmittedFields), func(path string) bool { return path == "userId" })
	s.add("Left out", paths(lost, t.Status.OmittedFields))
	if n := t.Spec.UnknownFields + t.Status.UnknownFields; n > 0 {
		fields := "fields"
		if n == 1 {
			fields = "field"
		}
		s.add("Unknown", fmt.Sprintf("%d %s that the operator does not know; look for a newer one", n, fields))
	}
	return s
}

// paths joins those of spec and of status.
func paths(spec, status []string) string {
	all := make([]string, 0, len(spec)+len(status))
	for _, path := range spec {
		all = append(all, "spec."+path)
	}
	for _, path := range status {
		all = append(all, "status."+path)
	}
	return strings.Join(all, ", ")
}

// host is what of a URL says where something is: the rest is long, and may be masked. Where there is none, as in the w3s:// of
// web3.storage, the scheme says it. What is no proper URL, or was no more once it was masked, has a host all the same.
func host(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return cmp.Or(rest[strings.LastIndexByte(rest, '@')+1:], scheme)
}
