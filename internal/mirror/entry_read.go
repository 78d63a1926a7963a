// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

var errNoList = errors.New("the API server's answer is not a list of objects")

// SplitList finds the objects in a list as the API server answers it in JSON, without reading them: they are an array
// within the answer, and nil where there is none.
func SplitList(answer []byte) (items []byte, list metav1.ListMeta, err error) {
	s := scanner{data: answer}
	s.object(func(key []byte) {
		switch string(key) {
		case "items":
			items = s.raw()
		case "metadata":
			s.object(func(key []byte) {
				switch string(key) {
				case "continue":
					list.Continue = string(s.text())
				case "resourceVersion":
					list.ResourceVersion = string(s.text())
				default:
					s.raw()
				}
			})
		default:
			s.raw()
		}
	})
	if s.bad || list.ResourceVersion == "" {
		return nil, metav1.ListMeta{}, errNoList
	}
	return items, list, nil
}

// ReadEntries reads stored tasks as the API server answers them: the items that SplitList finds. Each is what EntryOf makes
// of the same task.
func ReadEntries(items []byte, visit func(*Entry)) error {
	s := scanner{data: items}
	if items == nil {
		return nil
	}
	s.array(func() {
		if entry := s.entry(); !s.bad {
			visit(&entry)
		}
	})
	if s.bad {
		return errNoList
	}
	return nil
}

// entry consumes a task.
func (s *scanner) entry() Entry {
	entry := Entry{}
	var (
		meta   metadataReader
		spec   Digest
		status statusReader
	)
	s.object(func(key []byte) {
		switch string(key) {
		case "metadata":
			meta.read(s, &entry)
		case "spec":
			spec = s.members(func(key []byte) Digest {
				switch string(key) {
				case "id":
					entry.ID = s.show()
				case "type":
					entry.Type = s.show()
				}
				return s.digest()
			})
		case "status":
			entry.StatusDigest = status.read(s)
		default:
			s.raw()
		}
	})
	if entry.StatusDigest == 0 { // the same as an empty one
		entry.StatusDigest = Digest(0).with(objectTag)
	}
	entry.OwnerName, entry.OwnerUID = meta.source, meta.owner.UID
	if meta.owner.UID != "" {
		entry.OwnerName = meta.owner.Name
	}
	entry.SpecDigest = meta.digest(spec)
	entry.Phase, entry.ObservedGeneration = status.phase, status.observedGeneration
	entry.Retries = int32(min(max(status.retries, 0), math.MaxInt32))
	entry.Waiting, entry.Stalled = status.waiting, status.stalled
	if !meta.foreign {
		entry.UpdatedAt = status.updatedAt
	}
	return entry
}

// show returns the text that is next, without consuming it.
func (s *scanner) show() string {
	ahead := *s
	return string(ahead.text())
}

// integer consumes a number; one that is none is 0.
func (s *scanner) integer() int64 {
	n, _ := strconv.ParseInt(string(s.raw()), 10, 64)
	return n
}

// metadataReader is what is read of a task's metadata, beyond what is in an Entry.
type metadataReader struct {
	controlled
	// foreign: somebody else set status.updatedAt.
	foreign bool
}

func (m *metadataReader) read(s *scanner, entry *Entry) {
	s.object(func(key []byte) {
		switch string(key) {
		case "name":
			entry.Name = string(s.text())
		case "namespace":
			entry.Namespace = string(s.text())
		case "uid":
			entry.UID = types.UID(s.text())
		case "resourceVersion":
			entry.ResourceVersion = string(s.text())
		case "generation":
			entry.Generation = s.integer()
		case "deletionTimestamp":
			entry.Deleting = string(s.raw()) != "null"
		case "labels":
			m.labels(s)
		case "ownerReferences":
			s.array(func() { m.reference(s) })
		case "managedFields":
			s.array(func() { m.managed(s) })
		default:
			s.raw()
		}
	})
}

func (m *metadataReader) labels(s *scanner) {
	s.object(func(key []byte) {
		switch string(key) {
		case v1alpha1.LabelSource:
			m.source = string(s.text())
		case v1alpha1.LabelType:
			m.kind = string(s.text())
		default:
			s.raw()
		}
	})
}

func (m *metadataReader) reference(s *scanner) {
	var owner metav1.OwnerReference
	controls := false
	s.object(func(key []byte) {
		switch string(key) {
		case "kind":
			owner.Kind = string(s.text())
		case "name":
			owner.Name = string(s.text())
		case "uid":
			owner.UID = types.UID(s.text())
		case "controller":
			controls = string(s.raw()) == "true"
		default:
			s.raw()
		}
	})
	if controls && m.owner.UID == "" {
		m.owner = owner
	}
}

func (m *metadataReader) managed(s *scanner) {
	ours, updatedAt := false, false
	s.object(func(key []byte) {
		switch string(key) {
		case "manager":
			ours = string(s.text()) == FieldManager
		case "fieldsV1":
			updatedAt = bytes.Contains(s.raw(), []byte(updatedAtField))
		default:
			s.raw()
		}
	})
	m.foreign = m.foreign || updatedAt && !ours
}

// statusReader is what is read of a task's status.
type statusReader struct {
	phase                                  string
	observedGeneration, retries, updatedAt int64
	waiting, stalled                       bool
}

// read consumes a status, and identifies it without what StatusDigest leaves out.
func (r *statusReader) read(s *scanner) Digest {
	return s.members(func(key []byte) Digest {
		switch string(key) {
		case "observedGeneration":
			r.observedGeneration = s.integer()
			return 0
		case "notifications":
			s.array(func() { s.raw(); r.waiting = true })
			return 0
		case "conditions":
			return r.conditions(s)
		case "phase":
			r.phase = s.show()
		case "retries":
			ahead := *s
			r.retries = ahead.integer()
		case "updatedAt":
			// A fraction of a second is read, whatever the layout says of it.
			if at, err := time.Parse(time.RFC3339, s.show()); err == nil {
				r.updatedAt = at.UnixMilli()
			}
		}
		return s.digest()
	})
}

func (r *statusReader) conditions(s *scanner) Digest {
	sum, judged := arrayTag, false
	s.array(func() {
		var kind, reason string
		sum = sum.with(s.members(func(key []byte) Digest {
			switch string(key) {
			case "observedGeneration":
				s.raw()
				return 0
			case "type":
				kind = s.show()
			case "reason":
				reason = s.show()
			}
			return s.digest()
		}))
		if kind == v1alpha1.ConditionStalled && !judged {
			judged, r.stalled = true, reason == v1alpha1.ReasonNoUpdate
		}
	})
	return sum
}
