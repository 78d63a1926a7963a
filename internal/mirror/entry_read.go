// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/scan"
)

var errNoList = errors.New("the API server's answer is not a list of objects")

// ReadList reads a list of tasks from the API server, in JSON, and calls visit for each item as it arrives; see ReadEntry. An error
// of visit ends it. It returns an error if the list breaks off.
func ReadList(answer io.Reader, visit func(raw []byte) error) (list metav1.ListMeta, err error) {
	s := scan.NewStream(answer)
	err = s.Object(func(key string) error {
		switch key {
		case "items":
			return readItems(s, visit)
		case "metadata":
			raw, err := s.Value()
			if err != nil {
				return err
			}
			return json.Unmarshal(raw, &list)
		default:
			_, err := s.Value()
			return err
		}
	})
	if err == nil && list.ResourceVersion == "" {
		err = errNoList
	}
	return list, err
}

func readItems(s *scan.Stream, visit func(raw []byte) error) error {
	if none, err := s.Null(); none || err != nil {
		return err
	}
	return s.Array(func() error {
		raw, err := s.Value()
		if err != nil {
			return err
		}
		return visit(raw)
	})
}

// ReadEntry returns for a task in JSON what EntryOf returns for the same task.
func ReadEntry(raw []byte) (Entry, error) {
	task := scan.New(raw)
	entry := readEntry(task)
	if task.Failed() {
		return Entry{}, errNoList
	}
	return entry, nil
}

// readEntry consumes a task.
func readEntry(s *scan.Scanner) Entry {
	entry := Entry{}
	var (
		meta   metadataReader
		spec   Digest
		status statusReader
	)
	s.Object(func(key []byte) {
		switch string(key) {
		case "metadata":
			meta.read(s, &entry)
		case "spec":
			spec = members(s, func(key []byte) Digest {
				switch string(key) {
				case "id":
					entry.ID = show(s)
				case "type":
					entry.Type = show(s)
				}
				return digestOf(s)
			})
		case "status":
			entry.StatusDigest = status.read(s)
		default:
			s.Raw()
		}
	})
	if entry.StatusDigest == 0 { // the same as an empty one
		entry.StatusDigest = Digest(0).with(objectTag)
	}
	entry.SourceLabel = meta.source
	entry.OwnerName, entry.OwnerUID = meta.source, meta.owner.UID
	if meta.owner.UID != "" {
		entry.OwnerName = meta.owner.Name
	}
	entry.SpecDigest = meta.digest(spec)
	entry.Phase, entry.ObservedGeneration = status.phase, writtenFor(status.observedGeneration)
	entry.Retries = int32(min(max(status.retries, 0), math.MaxInt32))
	entry.Waiting, entry.Stalled = status.waiting, status.stalled
	entry.UpdatedAt = status.updatedAt
	meta.foreign.mark(&entry)
	return entry
}

// show returns the next text without consuming it.
func show(s *scan.Scanner) string {
	return string(s.Ahead().Text())
}

// integer consumes a number; anything else is 0.
func integer(s *scan.Scanner) int64 {
	n, _ := strconv.ParseInt(string(s.Raw()), 10, 64)
	return n
}

// metadataReader has what is read of a task's metadata, beyond what is in an Entry.
type metadataReader struct {
	controlled
	foreign foreignFields
}

func (m *metadataReader) read(s *scan.Scanner, entry *Entry) {
	s.Object(func(key []byte) {
		switch string(key) {
		case "name":
			entry.Name = string(s.Text())
		case "namespace":
			entry.Namespace = string(s.Text())
		case "uid":
			entry.UID = types.UID(s.Text())
		case "resourceVersion":
			entry.ResourceVersion = string(s.Text())
		case "generation":
			entry.Generation = integer(s)
		case "deletionTimestamp":
			entry.Deleting = string(s.Raw()) != "null"
		case "labels":
			m.labels(s)
		case "ownerReferences":
			s.Array(func() { m.reference(s) })
		case "managedFields":
			s.Array(func() { m.managed(s) })
		default:
			s.Raw()
		}
	})
}

func (m *metadataReader) labels(s *scan.Scanner) {
	s.Object(func(key []byte) {
		switch string(key) {
		case v1alpha1.LabelSource:
			m.source = string(s.Text())
		case v1alpha1.LabelType:
			m.kind = string(s.Text())
		default:
			s.Raw()
		}
	})
}

func (m *metadataReader) reference(s *scan.Scanner) {
	var owner metav1.OwnerReference
	controls := false
	s.Object(func(key []byte) {
		switch string(key) {
		case "kind":
			owner.Kind = string(s.Text())
		case "name":
			owner.Name = string(s.Text())
		case "uid":
			owner.UID = types.UID(s.Text())
		case "controller":
			controls = string(s.Raw()) == "true"
		default:
			s.Raw()
		}
	})
	if controls { // the API server lets in no two
		m.owner = owner
	}
}

func (m *metadataReader) managed(s *scan.Scanner) {
	ours := false
	var fields []byte
	s.Object(func(key []byte) {
		switch string(key) {
		case "manager":
			ours = string(s.Text()) == FieldManager
		case "fieldsV1":
			fields = s.Raw()
		default:
			s.Raw()
		}
	})
	if !ours {
		m.foreign.set(fields)
	}
}

// statusReader has what is read of a task's status.
type statusReader struct {
	phase                                  string
	observedGeneration, retries, updatedAt int64
	waiting, stalled                       bool
}

// read consumes a status, and returns its digest, without what StatusDigest leaves out.
func (r *statusReader) read(s *scan.Scanner) Digest {
	return members(s, func(key []byte) Digest {
		switch string(key) {
		case "observedGeneration":
			r.observedGeneration = integer(s)
			return 0
		case "notifications":
			s.Array(func() { s.Raw(); r.waiting = true })
			return 0
		case "conditions":
			return r.conditions(s)
		case "phase":
			r.phase = show(s)
		case "retries":
			r.retries = integer(s.Ahead())
		case "updatedAt":
			// Parse accepts a fraction of a second, though the layout has none.
			if at, err := time.Parse(time.RFC3339, show(s)); err == nil {
				r.updatedAt = at.UnixMilli()
			}
		}
		return digestOf(s)
	})
}

func (r *statusReader) conditions(s *scan.Scanner) Digest {
	sum, judged := arrayTag, false
	s.Array(func() {
		var kind, reason string
		sum = sum.with(members(s, func(key []byte) Digest {
			switch string(key) {
			case "observedGeneration":
				s.Raw()
				return 0
			case "type":
				kind = show(s)
			case "reason":
				reason = show(s)
			}
			return digestOf(s)
		}))
		if kind == v1alpha1.ConditionStalled && !judged {
			judged, r.stalled = true, reason == v1alpha1.ReasonNoUpdate
		}
	})
	return sum
}
