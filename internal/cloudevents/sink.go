// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	sdk "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
)

const (
	// sendTimeout is SinkConfig.Timeout, unless that says otherwise.
	sendTimeout = 10 * time.Second
	// maxAnswer bounds, in bytes, what is read of an answer, and maxQuote what is quoted of it.
	maxAnswer = 64 << 10
	maxQuote  = 200
	// answerTimeout bounds how long the body is read: the status says all that matters, and some bodies never end.
	answerTimeout = time.Second
	// maxToken is the longest token, in bytes: it is kept in memory, and searched for in what the sink answers.
	maxToken = 4 << 10
)

// SinkConfig is what a Sink is made of.
type SinkConfig struct {
	// URL that events are posted to.
	URL string
	// Token is sent as bearer token, to the host of URL only; it may be empty.
	Token studio.Key
	// CA holds certificates in PEM to trust besides the system's; it may be nil.
	CA []byte
	// Pool has the authorities that sinks share; without one, the sink has its own.
	Pool *studio.Pool
	// Hosts says where URL may lead to.
	Hosts studio.Hosts
	// UserAgent is sent with each event.
	UserAgent string
	// Timeout bounds one event, until its answer; 0: 10 seconds.
	Timeout time.Duration
}

// Sink takes events over HTTP. It is safe for concurrent use.
type Sink struct {
	url, host string
	token     studio.Key
	agent     string
	redactor  *redact.Redactor
	http      *http.Client
}

// NewSink makes a sink with connections of its own. The error is an *Error.
func NewSink(cfg SinkConfig) (*Sink, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, &Error{Kind: Unusable, Message: "The sink is not an http or https URL with a host"}
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, &Error{Kind: Unusable, Message: "The sink carries user info, a query or a fragment: remove them"}
	case len(cfg.Token.Reveal()) > maxToken:
		return nil, &Error{Kind: Unusable, Message: fmt.Sprintf("sinkToken in the Secret has %d bytes; at most %d are allowed: store only "+
			"the token", len(cfg.Token.Reveal()), maxToken)}
	case studio.StrangerIn(cfg.Token.Reveal()) != "":
		return nil, &Error{Kind: Unusable,
			Message: "sinkToken in the Secret contains " + studio.StrangerIn(cfg.Token.Reveal()) + ": store only the token, without Bearer"}
	}
	timeout := cmp.Or(cfg.Timeout, sendTimeout)
	pool := cfg.Pool
	if pool == nil {
		pool = studio.NewPool()
	}
	transport, err := pool.NewTransport(u, cfg.Hosts, cfg.CA, timeout)
	if err != nil {
		return nil, &Error{Kind: Unusable, Message: err.Error()}
	}
	return &Sink{
		url: u.String(), host: u.Host, token: cfg.Token, agent: cfg.UserAgent, redactor: redact.New(cfg.Token.Reveal()),
		http: &http.Client{
			Transport: transport, Timeout: timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close ends connections that are not in use.
func (s *Sink) Close() { s.http.CloseIdleConnections() }

// Send posts an event, and returns once the sink has it. The error is an *Error, or the context's.
func (s *Sink) Send(ctx context.Context, event *sdk.Event) error {
	attempt, cancel := context.WithCancel(ctx)
	defer cancel()
	// As one JSON document: a task's ID, which is Studio's, need not fit into an HTTP header.
	request, err := cehttp.NewHTTPRequestFromEvent(binding.WithForceStructured(attempt), s.url, *event)
	if err != nil {
		return &Error{Kind: Refused, Message: fmt.Sprintf("The event can't be made: %v", err)}
	}
	request.Header.Set("User-Agent", s.agent)
	if token := s.token.Reveal(); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	// Not by the SDK's client: it reads answers of any size, and keeps Retry-After to itself.
	response, err := s.http.Do(request)
	if err != nil {
		return s.failed(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // its error does not matter
	defer time.AfterFunc(answerTimeout, cancel).Stop()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return nil // whatever became of the rest of the answer
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return s.refused(response, answer)
}

// refused explains an answer that is not 2xx.
func (s *Sink) refused(response *http.Response, answer []byte) *Error {
	said := response.Status // its reason phrase is the sink's own
	if len(answer) > 0 {
		said += ": " + string(answer)
	}
	said = strings.Join(strings.Fields(s.clean(said)), " ")
	refusal := &Error{
		Kind: kindOf(response.StatusCode), Status: response.StatusCode,
		RetryAfter: studio.RetryAfter(response.Header, time.Now()),
	}
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		refusal.Message = fmt.Sprintf("The sink %s answers %s, and redirects are not followed: set the URL that it leads to", s.host, said)
	case refusal.Kind == Denied && s.token.Reveal() == "":
		refusal.Message = fmt.Sprintf("The sink %s answers %s. Check the sink's URL, and name a Secret with its sinkToken in "+
			"notify.cloudEvents.secretRef where it wants one", s.host, said)
	case refusal.Kind == Denied:
		refusal.Message = fmt.Sprintf("The sink %s answers %s. Check the sink's URL and sinkToken in its Secret", s.host, said)
	default:
		refusal.Message = fmt.Sprintf("The sink %s answers %s", s.host, said)
	}
	return refusal
}

// failed explains why there was no answer.
func (s *Sink) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // its own text holds the URL
	}
	if refused, ok := errors.AsType[*studio.ConfigError](err); ok { // shows only once the name is resolved
		return &Error{Kind: Unusable, Message: refused.Message}
	}
	return &Error{Kind: Unavailable, Message: s.why(err)}
}

// why says why there was no answer, and what to check.
func (s *Sink) why(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("The certificate of the sink %s is signed by an unknown authority. If it is yours, put its certificate in PEM "+
			"into ca.crt of the Secret that notify.cloudEvents.secretRef names", s.host)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("The certificate that the sink %s shows is not for it: correct the sink's URL", s.host)
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Sprintf("The sink %s did not answer within %s. Check the sink and network policies", s.host, s.http.Timeout)
	}
	return fmt.Sprintf("The sink %s can't be reached: %s. Check the sink's URL and network policies",
		s.host, s.clean(studio.Lasting(err).Error()))
}

// clean removes what a terminal obeys from a text, masks credentials, and cuts the text. Masking comes first: half a token is
// not recognised.
func (s *Sink) clean(text string) string {
	text, _ = s.redactor.PlainText(text)
	if runes := []rune(text); len(runes) > maxQuote {
		return string(runes[:maxQuote]) + "..."
	}
	return text
}
