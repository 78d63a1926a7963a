// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// The Go types of the API are the allow-list: what they have a field for is mirrored, under its JSON name, and nothing
// else. Their shape is worked out once, by LayoutOf.

// leftOut are the members that Studio is known to send, or to have sent once, and that are not mirrored: its own
// bookkeeping, and what it documents as never answered.
var leftOut = map[reflect.Type][]string{
	reflect.TypeFor[v1alpha1.UploadParams]():        {"uploadedObjectKey", "recordedSessionId"},
	reflect.TypeFor[v1alpha1.TranscodeParams]():     {"uploadedObjectKey", "recordedSessionId"},
	reflect.TypeFor[v1alpha1.AssetOutput]():         {"videoFilePath", "metadataFilePath"},
	reflect.TypeFor[v1alpha1.TranscodeOutput]():     {"videoFilePath", "metadataFilePath"},
	reflect.TypeFor[v1alpha1.TranscodeFileOutput](): {"videoFilePath", "requestId"},
	reflect.TypeFor[v1alpha1.ExportOutput]():        {"internal"},
	reflect.TypeFor[v1alpha1.PlaybackPolicy]():      {"resourceId", "unifiedAccessControlConditions"},
	reflect.TypeFor[v1alpha1.AssetSpec](): {
		"catalystPipelineStrategy", "deleted", "deletedAt", "files", "meta", "objectStoreId", "originTaskId",
		"playbackRecordingId", "sourcePlaybackReady", "sourceReadyAt", "staticMp4", "updatedAt",
	},
}

// wireNames are the names of the API where ours differ; ours are understood as well.
var wireNames = map[string]string{"transcodeFile": "transcode-file"}

// asText are the objects for which Studio sends, or sent once, a text in place of one with this member.
var asText = map[reflect.Type]string{
	reflect.TypeFor[v1alpha1.CreatorID]():  "value",
	reflect.TypeFor[v1alpha1.OutputPath](): "path",
}

// kind says which values a field takes.
type kind int

const (
	textKind    kind = iota // string
	urlKind                 // string: a URL
	secretKind              // string: a credential, masked whole
	messageKind             // string: free text, cut where it is too long
	intKind                 // *int64
	wholeKind               // *int64, rounded: a time in milliseconds, a count
	floatKind               // *float64
	boolKind                // *bool
	gopKind                 // *intstr.IntOrString
	anyKind                 // *runtime.RawExtension: free-form JSON
	objectKind              // pointer to a struct, or a struct in a list
	listKind                // slice
	headersKind             // map[string]string: values are credentials
)

// shape describes the values of a field.
type shape struct {
	kind    kind
	object  reflect.Type // of objectKind
	layout  *Layout      // of objectKind
	element *shape       // of listKind
}

// Layout describes the members of an object.
type Layout struct {
	fields []Field
	// known has the API's name of each member that is known: true, it is mirrored; false, it is left out.
	known map[string]bool
}

// Field is a documented field of an object.
type Field struct {
	index []int
	name  string // ours, as in paths
	wire  string // the API's, if it differs
	shape shape
}

// value returns what the object has for the field; nil: nothing.
func (f *Field) value(object map[string]any) any {
	if f.wire != "" {
		if v := object[f.wire]; v != nil {
			return v
		}
	}
	return object[f.name]
}

// Pick returns the named fields of t.
func Pick(t reflect.Type, names ...string) []Field {
	var picked []Field
	for _, f := range fieldsOf(t) {
		if slices.Contains(names, f.name) {
			picked = append(picked, f)
		}
	}
	if len(picked) != len(names) {
		panic(fmt.Sprintf("%s lacks one of the fields %q", t, names)) // at start-up: seen by every test
	}
	return picked
}

// LayoutOf returns the Layout of an object with these fields.
func LayoutOf(fields []Field) *Layout {
	l := &Layout{fields: fields, known: map[string]bool{}}
	for _, f := range fields {
		l.With(true, f.name)
		if f.wire != "" {
			l.With(true, f.wire)
		}
	}
	return l
}

// With adds names of members that are known.
func (l *Layout) With(mirrored bool, names ...string) *Layout {
	for _, name := range names {
		l.known[name] = mirrored
	}
	return l
}

// fieldsOf returns the fields of the struct t that can be mirrored.
func fieldsOf(t reflect.Type) []Field {
	var fields []Field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		s, ok := shapeOf(f.Type, name)
		if !ok || f.Anonymous {
			continue
		}
		if s.kind == textKind && masked(t) {
			s.kind = secretKind
		}
		fields = append(fields, Field{index: f.Index, name: name, wire: wireNames[name], shape: s})
	}
	return fields
}

// masked reports whether every string of t is a credential, also one whose name does not say so.
func masked(t reflect.Type) bool {
	return t == reflect.TypeFor[v1alpha1.Pinata]() || t == reflect.TypeFor[v1alpha1.Encryption]()
}

// isCredential tells a field that holds a credential by its name, as it is told in free-form JSON. The ID is one that sessionId may have.
func isCredential(name string) bool {
	_, masked := (*redact.Redactor)(nil).JSON(map[string]any{name: "01234567-89ab-cdef-0123-456789abcdef"})
	return len(masked) > 0
}

// shapeOf returns the shape of a field with this type and JSON name; false: it doesn't come from the API.
func shapeOf(t reflect.Type, name string) (shape, bool) {
	switch t {
	case reflect.TypeFor[string]():
		return shape{kind: stringKind(name)}, true
	case reflect.TypeFor[*int64]():
		return shape{kind: integerKind(name)}, true
	case reflect.TypeFor[*float64]():
		return shape{kind: floatKind}, true
	case reflect.TypeFor[*bool]():
		return shape{kind: boolKind}, true
	case reflect.TypeFor[*intstr.IntOrString]():
		return shape{kind: gopKind}, true
	case reflect.TypeFor[*runtime.RawExtension]():
		return shape{kind: anyKind}, true
	case reflect.TypeFor[map[string]string]():
		return shape{kind: headersKind}, true
	}
	switch {
	case t.Kind() == reflect.Slice:
		element, ok := shapeOf(t.Elem(), name)
		return shape{kind: listKind, element: &element}, ok
	case t.Kind() == reflect.Struct && t.PkgPath() == reflect.TypeFor[v1alpha1.TaskParams]().PkgPath():
		return shape{kind: objectKind, object: t, layout: LayoutOf(fieldsOf(t)).With(false, leftOut[t]...)}, true
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		return shapeOf(t.Elem(), name)
	default:
		return shape{}, false
	}
}

// integerKind tells by its name what an integer holds. The API documents times and counts as any number.
func integerKind(name string) kind {
	if name == "retries" || strings.HasSuffix(name, "At") {
		return wholeKind
	}
	return intKind
}

// stringKind tells by its name what a string holds.
func stringKind(name string) kind {
	switch {
	case name == "errorMessage":
		return messageKind
	case strings.HasSuffix(strings.ToLower(name), "url"):
		return urlKind
	case isCredential(name):
		return secretKind
	default:
		return textKind
	}
}
