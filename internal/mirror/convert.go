// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/decode"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

const (
	maxID      = 1024      // bytes of a task's ID
	maxSection = 400 << 10 // bytes of the JSON of a spec or a status; etcd takes 1.5 MiB for the whole object

	// A task whose JSON is at most this long can't become a section that is too large: what masking and escaping add
	// is less than that.
	surelySmall = 32 << 10
)

// Observation is what the API said about one task, as it is written to the cluster: only documented fields, without
// credentials, and of bounded size. The status has its conditions; their ObservedGeneration and the status' own are 0.
type Observation struct {
	ID      string
	Deleted bool // the API says that the task was deleted
	// Fingerprint identifies the JSON that this was made from; Convert leaves it 0, its caller may set it.
	Fingerprint uint64
	// Size is the length of that JSON in bytes, likewise.
	Size   int
	Spec   v1alpha1.LivepeerTaskSpec
	Status v1alpha1.LivepeerTaskStatus
}

// BadTaskError says why something can't be mirrored at all: it isn't a JSON object, or has no usable ID.
type BadTaskError struct {
	Reason string
	Err    error // may be nil
}

func (e *BadTaskError) Error() string {
	if e.Err != nil {
		return "unusable task: " + e.Reason + ": " + e.Err.Error()
	}
	return "unusable task: " + e.Reason
}

func (e *BadTaskError) Unwrap() error { return e.Err }

// Convert turns one task of the API, as JSON, into what is mirrored of it. A field with a value that can't be mirrored
// is left out and named in omittedFields; a masked one is named in redactedFields; what is unknown is counted. The only
// error is a *BadTaskError.
// The result depends on the arguments alone. raw is not kept.
func Convert(raw []byte, r *redact.Redactor) (*Observation, error) {
	root, err := decode.Tree(raw)
	if err != nil {
		return nil, &BadTaskError{Reason: "no JSON", Err: err}
	}
	task, ok := root.(map[string]any)
	if !ok {
		return nil, &BadTaskError{Reason: "no JSON object"}
	}
	id, ok := task["id"].(string)
	switch {
	case !ok || id == "":
		return nil, &BadTaskError{Reason: "its id is no string, or empty"}
	case len(id) > maxID:
		return nil, &BadTaskError{Reason: "its id is too long"}
	}
	deleted, _ := task["deleted"].(bool)
	o := &Observation{ID: id, Deleted: deleted}
	searched := 0
	convertSpec(&o.Spec, task, id, decode.New(r, &searched))
	convertStatus(&o.Status, task, decode.New(r, &searched))
	o.Status.DisplayName = displayName(o.Spec.Params, &o.Status, r)
	if len(raw) > surelySmall {
		bound(o)
	}
	return o, nil
}

func convertSpec(spec *v1alpha1.LivepeerTaskSpec, task map[string]any, id string, d *decode.Decoder) {
	d.Object(specLayout, reflect.ValueOf(spec).Elem(), task)
	spec.ID = id // verbatim: it is how the task is found again
	if _, told := task["deleted"].(bool); !told && task["deleted"] != nil {
		d.Omit("deleted")
	}
	spec.RedactedFields, spec.OmittedFields, spec.UnknownFields = d.Found()
}

func convertStatus(status *v1alpha1.LivepeerTaskStatus, task map[string]any, d *decode.Decoder) {
	into := reflect.ValueOf(status).Elem()
	d.Members(outputFields, into, task)
	inner, ok := task["status"].(map[string]any)
	if !ok && task["status"] != nil {
		d.Omit("phase") // stands for status as a whole, which has no path of its own here
	}
	d.Object(statusLayout, into, inner)
	status.CreatedAt = d.Time(task, "createdAt")
	status.ScheduledAt = d.Time(task, "scheduledAt")
	status.UpdatedAt = d.Time(inner, "updatedAt")
	status.Progress = d.Percent(inner, "progress")
	if status.Phase == v1alpha1.PhaseCompleted {
		status.Progress = new(int32(100))
	}
	status.RedactedFields, status.OmittedFields, status.UnknownFields = d.Found()
	status.Conditions = Conditions(status.Phase, status.ErrorMessage, status.CreatedAt, status.UpdatedAt)
}

// bound drops params or output if, despite the bounds of each field, they are too large.
func bound(o *Observation) {
	if tooLarge(&o.Spec) {
		o.Spec.Params = nil
		o.Spec.RedactedFields = without(o.Spec.RedactedFields, "params")
		o.Spec.OmittedFields = dropped(o.Spec.OmittedFields, "params")
	}
	if tooLarge(&o.Status) {
		o.Status.Output = nil
		o.Status.RedactedFields = without(o.Status.RedactedFields, "output")
		o.Status.OmittedFields = dropped(o.Status.OmittedFields, "output")
	}
}

func tooLarge(section any) bool {
	data, err := json.Marshal(section)
	return err != nil || len(data) > maxSection
}

// dropped returns the paths of omitted fields once field is omitted as a whole.
func dropped(omitted []string, field string) []string {
	omitted = append(without(omitted, field), field)
	slices.Sort(omitted)
	return omitted
}

// without returns the paths that are not below field.
func without(paths []string, field string) []string {
	var rest []string
	for _, path := range paths {
		if !strings.HasPrefix(path, field+".") {
			rest = append(rest, path)
		}
	}
	return rest
}
