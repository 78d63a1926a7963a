// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

const (
	maxText       = 16 << 10 // bytes of a string
	maxWord       = 256      // bytes of a type, a phase or an ID: columns show them, and they are kept in memory
	maxAny        = 64 << 10 // bytes of free-form JSON, in canonical form
	maxDepth      = 32       // levels of arrays and objects in it
	maxList       = 200      // entries of a list
	maxHeaders    = 100
	maxHeaderName = 256 // bytes
	maxGOP        = 64  // bytes of a number that is no integer

	// maxPerTask is how many bytes of a task are searched for credentials, more than fit into a stored task. Texts beyond
	// it are masked whole, which bounds the time that a task can take.
	maxPerTask = 1 << 20
)

// Decoder fills the typed fields of one spec or status from a JSON tree, masks credentials, and notes the paths of what
// it masked or left out.
type Decoder struct {
	redactor *redact.Redactor
	searched *int   // bytes of the task that were searched for credentials
	path     []byte // the present position, from the spec or status down
	redacted paths
	omitted  paths
	unknown  int64 // members of objects that this version does not know
}

// New returns a decoder of one part of a task. searched counts the bytes that were searched for credentials; all parts of a task share
// it.
func New(redactor *redact.Redactor, searched *int) *Decoder {
	return &Decoder{redactor: redactor, searched: searched}
}

// Found returns what was masked, what was left out, and how many members are unknown.
func (d *Decoder) Found() (redacted, omitted []string, unknown int64) {
	return d.redacted.list(), d.omitted.list(), d.unknown
}

// Omit notes that a field is left out: the one with this name below the present position, or, if name is "", the one there.
func (d *Decoder) Omit(name string) {
	mark := d.enter(name)
	d.omitted.add(string(d.path))
	d.leave(mark)
}

// redact notes that a value was masked, in the same way.
func (d *Decoder) redact(name string) {
	mark := d.enter(name)
	d.redacted.add(string(d.path))
	d.leave(mark)
}

// enter goes down to a field, or to a list entry if name starts with a bracket. The result leads back.
func (d *Decoder) enter(name string) int {
	mark := len(d.path)
	if name != "" && name[0] != '[' && mark > 0 {
		d.path = append(d.path, '.')
	}
	d.path = append(d.path, name...)
	return mark
}

func (d *Decoder) leave(mark int) {
	d.path = d.path[:mark]
}

// Object fills a struct from a JSON object.
func (d *Decoder) Object(l *Layout, dst reflect.Value, values map[string]any) {
	d.Members(l.fields, dst, values)
	for name, v := range values {
		mirrored, known := l.known[name]
		switch {
		case !known:
			d.unknown++
		case !mirrored && v != nil:
			d.Omit(name)
		}
	}
}

// Members fills the given fields of a struct.
func (d *Decoder) Members(fields []Field, dst reflect.Value, values map[string]any) {
	for i := range fields {
		f := &fields[i]
		v := f.value(values)
		if v == nil {
			continue
		}
		if f.wire != "" && values[f.wire] != nil && values[f.name] != nil { // one of them is left out
			d.Omit(f.name)
		}
		mark := d.enter(f.name)
		if !d.value(&f.shape, dst.FieldByIndex(f.index), v) {
			d.Omit("")
		}
		d.leave(mark)
	}
}

// value sets dst to v, which is not nil, and reports whether it could.
func (d *Decoder) value(s *shape, dst reflect.Value, v any) bool {
	switch s.kind {
	case textKind, urlKind, secretKind, messageKind:
		text, ok := d.text(s.kind, v)
		dst.SetString(text)
		return ok
	case intKind:
		n, ok := toInt(v)
		return ok && set(dst, &n)
	case wholeKind:
		n, ok := toWhole(v)
		return ok && set(dst, &n)
	case floatKind:
		f, ok := toFloat(v)
		return ok && set(dst, &f)
	case boolKind:
		b, ok := v.(bool)
		return ok && set(dst, &b)
	case gopKind:
		gop, ok := d.gop(v)
		return ok && set(dst, &gop)
	case anyKind:
		data, ok := d.any(v)
		return ok && set(dst, &runtime.RawExtension{Raw: data})
	case listKind:
		return d.list(s.element, dst, v)
	case headersKind:
		return d.headers(dst, v)
	default:
		return d.structure(s, dst, v)
	}
}

func set(dst reflect.Value, v any) bool {
	dst.Set(reflect.ValueOf(v))
	return true
}

func (d *Decoder) structure(s *shape, dst reflect.Value, v any) bool {
	values, ok := v.(map[string]any)
	if text, isText := v.(string); isText && asText[s.object] != "" {
		values, ok = map[string]any{asText[s.object]: text}, true
	}
	if !ok {
		return false
	}
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(s.object))
		dst = dst.Elem()
	}
	d.Object(s.layout, dst, values)
	return true
}

// list takes the entries that it can take, and names the others. Paths have the API's indexes.
func (d *Decoder) list(element *shape, dst reflect.Value, v any) bool {
	values, ok := v.([]any)
	if !ok {
		return false
	}
	if len(values) > maxList {
		values = values[:maxList]
		d.Omit("")
	}
	out := reflect.MakeSlice(dst.Type(), len(values), len(values))
	n := 0
	for i, v := range values {
		mark := d.enter("[" + strconv.Itoa(i) + "]")
		if v != nil && d.value(element, out.Index(n), v) {
			n++
		} else {
			d.Omit("")
		}
		d.leave(mark)
	}
	dst.Set(out.Slice(0, n))
	return true
}

// headers keeps the names of HTTP headers and masks all values.
func (d *Decoder) headers(dst reflect.Value, v any) bool {
	values, ok := v.(map[string]any)
	if !ok {
		return false
	}
	out := make(map[string]string, min(len(values), maxHeaders))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(out) == maxHeaders || !d.headerName(name) {
			d.Omit("")
			continue
		}
		value, ok := values[name].(string)
		if !ok {
			d.Omit(name)
			continue
		}
		mark := d.enter(name)
		out[name], _ = d.text(secretKind, value)
		d.leave(mark)
	}
	dst.Set(reflect.ValueOf(out))
	return true
}

// headerName reports whether name can be shown: it is one that HTTP allows, and holds no credential itself.
func (d *Decoder) headerName(name string) bool {
	if name == "" || len(name) > maxHeaderName {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || slices.Contains([]byte(`"(),/:;<=>?@[\]{}`), c) {
			return false
		}
	}
	_, changed := d.redactor.Text(name)
	return !changed
}

func (d *Decoder) gop(v any) (intstr.IntOrString, bool) {
	if n, ok := toInt(v); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
		return intstr.FromInt32(int32(n)), true
	}
	if number, ok := v.(json.Number); ok {
		_, fits := toFloat(v) // or it may stand for what was too large
		return intstr.FromString(string(number)), fits && len(number) <= maxGOP
	}
	text, ok := d.text(textKind, v)
	return intstr.FromString(text), ok
}

// any returns the canonical form of free-form JSON without credentials.
func (d *Decoder) any(v any) ([]byte, bool) {
	size, ok := measure(v, maxDepth, maxAny)
	if !ok {
		return nil, false
	}
	if !d.affords(size) {
		d.redact("")
		return []byte(`"` + redact.Mask + `"`), true
	}
	masked, changed := d.redactor.JSON(v)
	var p plainer
	if shown := p.tree(masked); p.differs { // what is left out may have hidden a name, and a space in its place would cut a credential
		var more []string
		masked, more = d.redactor.JSON(shown)
		changed = append(changed, more...)
	}
	if p.lost || fewer(v, masked) || rounded(masked) {
		d.Omit("")
	}
	data, err := canonical(masked)
	if err != nil || len(data) > maxAny {
		return nil, false
	}
	for _, path := range changed {
		d.redact(redact.Plain(path))
	}
	return data, true
}
