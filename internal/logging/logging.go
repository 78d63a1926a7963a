// SPDX-License-Identifier: Apache-2.0

// Package logging makes the operator's logger: New. It must not know what is logged.
package logging

import (
	"io"

	"github.com/go-logr/logr"
	uberzap "go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// New returns what logs to a writer, with IDs as Studio spells them.
func New(options *zap.Options, to io.Writer) logr.Logger {
	lazy := uberzap.WrapCore(func(core zapcore.Core) zapcore.Core { return lazyCore{core} })
	return zap.New(zap.UseFlagOptions(options), zap.WriteTo(redact.PlainWriter{To: to}), zap.RawZapOpts(lazy))
}

// lazyCore encodes the values of a logger with the first line that it logs. controller-runtime makes a logger for each reconcile, and
// next to none of them has anything to say.
type lazyCore struct{ zapcore.Core }

// With returns a core with more values.
func (c lazyCore) With(values []zapcore.Field) zapcore.Core {
	return lazyCore{zapcore.NewLazyWith(c.Core, values)}
}
