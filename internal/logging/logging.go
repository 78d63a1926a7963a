// SPDX-License-Identifier: Apache-2.0

// Package logging makes the operator's logger (New), and has all log to it (Use). It must not know what is logged.
package logging

import (
	"io"
	"log"
	"strings"

	"github.com/go-logr/logr"
	uberzap "go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// New returns what logs to a writer, with IDs as Studio spells them. An error has no stack, unless somebody asks for one: where in the
// operator it was written down helps nobody, and a fault of the operator logs its own.
func New(options *zap.Options, to io.Writer) logr.Logger {
	quiet := func(o *zap.Options) {
		if o.StacktraceLevel == nil && !o.Development {
			o.StacktraceLevel = zapcore.PanicLevel
		}
	}
	lazy := uberzap.WrapCore(func(core zapcore.Core) zapcore.Core { return lazyCore{core} })
	return zap.New(zap.UseFlagOptions(options), quiet, zap.WriteTo(redact.PlainWriter{To: to}), zap.RawZapOpts(lazy))
}

// lazyCore encodes the values of a logger with the first line that it logs. controller-runtime makes a logger for each reconcile, and
// next to none of them has anything to say.
type lazyCore struct{ zapcore.Core }

// With returns a core with more values.
func (c lazyCore) With(values []zapcore.Field) zapcore.Core {
	return lazyCore{zapcore.NewLazyWith(c.Core, values)}
}

// Use has everything log to a logger, what Kubernetes' client logs by klog as well, and what Go's own packages do by theirs.
func Use(logger logr.Logger) {
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	log.SetFlags(0)
	log.SetOutput(unquoted{logger.WithName("go")})
}

// unquoted logs the lines of Go's own logger, without what they quote: net/http does so with what a server sends unasked, be that what a
// task hides, or the key that it was sent.
type unquoted struct{ logr.Logger }

func (u unquoted) Write(line []byte) (int, error) {
	text := string(line)
	if first, last := strings.IndexByte(text, '"'), strings.LastIndexByte(text, '"'); first < last {
		text = text[:first] + redact.Mask + text[last+1:]
	}
	text, _ = (*redact.Redactor)(nil).PlainText(strings.TrimSpace(text))
	if strings.HasPrefix(text, "http: panic") {
		u.Error(nil, text)
	} else { // what anybody can cause who connects
		u.V(1).Info(text)
	}
	return len(line), nil
}
