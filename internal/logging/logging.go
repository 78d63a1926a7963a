// SPDX-License-Identifier: Apache-2.0

// Package logging makes the operator's logger (New), and directs all logs to it (Use). It must not know what is logged.
package logging

import (
	"flag"
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

// Bind defines the flags of options. The library's own texts tell of other defaults than New has.
func Bind(options *zap.Options, flags *flag.FlagSet) {
	options.BindFlags(flags)
	for name, help := range map[string]struct{ value, usage string }{
		"zap-devel":            {"false", "Log for developers: lines to read, from debug on, with the stack of each warning and error."},
		"zap-encoder":          {"json", "How a line of the log is written: json or console."},
		"zap-log-level":        {"info", "What is logged: error, info or debug; or a number, which logs the more the higher it is."},
		"zap-stacktrace-level": {"panic", "From which level on a line has the stack of its place: info, error or panic."},
		"zap-time-encoding":    {"rfc3339", "How times are written: epoch, millis, nano, iso8601, rfc3339 or rfc3339nano."},
	} {
		bound := flags.Lookup(name)
		bound.DefValue, bound.Usage = help.value, help.usage
	}
}

// New returns a logger to a writer, with IDs as Studio spells them. Errors have no stack unless an option asks for it: the place of the
// log call helps nobody, and a panic logs its own stack.
func New(options *zap.Options, to io.Writer) logr.Logger {
	quiet := func(o *zap.Options) {
		if o.StacktraceLevel == nil && !o.Development {
			o.StacktraceLevel = zapcore.PanicLevel
		}
	}
	lazy := uberzap.WrapCore(func(core zapcore.Core) zapcore.Core { return lazyCore{core} })
	return zap.New(zap.UseFlagOptions(options), quiet, zap.WriteTo(redact.PlainWriter{To: to}), zap.RawZapOpts(lazy))
}

// lazyCore encodes the values of a logger only when it logs its first line. controller-runtime makes a logger for each reconcile, and
// hardly any of them logs anything.
type lazyCore struct{ zapcore.Core }

// With returns a core with more values.
func (c lazyCore) With(values []zapcore.Field) zapcore.Core {
	return lazyCore{zapcore.NewLazyWith(c.Core, values)}
}

// Use directs all logs to a logger, also those of client-go (klog) and of Go's standard library.
func Use(logger logr.Logger) {
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	log.SetFlags(0)
	log.SetOutput(unquoted{logger.WithName("go")})
}

// unquoted logs the lines of Go's own logger, without what they quote: net/http quotes unsolicited data from a server, which may be
// content that a task must not reveal, or the key that it was sent.
type unquoted struct{ logr.Logger }

func (u unquoted) Write(line []byte) (int, error) {
	text := string(line)
	if first, last := strings.IndexByte(text, '"'), strings.LastIndexByte(text, '"'); first < last {
		text = text[:first] + redact.Mask + text[last+1:]
	}
	text, _ = (*redact.Redactor)(nil).PlainText(strings.TrimSpace(text))
	if strings.HasPrefix(text, "http: panic") {
		u.Error(nil, text)
	} else { // lines that anybody can cause by connecting
		u.V(1).Info(text)
	}
	return len(line), nil
}
