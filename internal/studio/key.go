// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// Key is an API key. However it is printed, logged or marshalled, it shows as [redacted]; Reveal is the only way to its
// value. The zero Key is empty.
type Key struct {
	// A function, because fmt and other printers follow strings and pointers even in unexported fields, where they
	// can't call the methods below.
	reveal func() string
}

// NewKey makes a Key of s without surrounding white space, such as the line end that echo leaves in a Secret.
func NewKey(s string) Key {
	s = strings.TrimSpace(s)
	return Key{reveal: func() string { return s }}
}

// Reveal returns the key itself.
func (k Key) Reveal() string {
	if k.reveal == nil {
		return ""
	}
	return k.reveal()
}

// String returns the mask.
func (k Key) String() string { return redact.Mask }

// GoString returns the mask.
func (k Key) GoString() string { return redact.Mask }

// Format writes the mask, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) {
	// fmt.State never fails: it writes to memory.
	_, _ = io.WriteString(f, redact.Mask)
}

// MarshalText returns the mask.
func (k Key) MarshalText() ([]byte, error) { return []byte(redact.Mask), nil }

// MarshalJSON returns the mask as a JSON string.
func (k Key) MarshalJSON() ([]byte, error) { return []byte(`"` + redact.Mask + `"`), nil }

// LogValue returns the mask.
func (k Key) LogValue() slog.Value { return slog.StringValue(redact.Mask) }
