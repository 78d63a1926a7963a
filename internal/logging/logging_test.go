// SPDX-License-Identifier: Apache-2.0

package logging

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// counted is a value that counts how often it is encoded.
type counted struct{ times *int }

func (c counted) MarshalJSON() ([]byte, error) {
	*c.times++
	return []byte(`"seen"`), nil
}

// A logger's values are in each of its lines, and cost nothing where it logs none.
func TestValuesOfALoggerAreEncodedWhenItLogs(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	times := 0
	logger := New(&zap.Options{}, &out).WithName("a").WithValues("first", counted{&times}).WithValues("second", 2)
	logger.V(1).Info("not logged")
	g.Expect(times).To(BeZero())

	for _, say := range []func(logr.Logger){
		func(l logr.Logger) { l.Info("one", "third", 3) },
		func(l logr.Logger) { l.Info("two", "third", 3) },
	} {
		out.Reset()
		say(logger)
		line := map[string]any{}
		g.Expect(json.Unmarshal(out.Bytes(), &line)).To(Succeed(), out.String())
		g.Expect(line).To(And(HaveKeyWithValue("first", "seen"), HaveKeyWithValue("second", 2.0), HaveKeyWithValue("third", 3.0),
			HaveKeyWithValue("logger", "a")))
	}
	g.Expect(times).To(Equal(1))
}
