// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"golang.org/x/sync/semaphore"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// Config is what a Client is made of.
type Config struct {
	// BaseURL such as https://livepeer.studio/api; the task list is at BaseURL/task.
	BaseURL string
	// Key is sent as bearer token, to the host of BaseURL only.
	Key Key
	// CA holds certificates in PEM to trust besides the system's; it may be nil.
	CA []byte
	// Timeout bounds one request with its whole answer; the default is 30 s.
	Timeout time.Duration
	// Hosts says where BaseURL may lead to.
	Hosts Hosts
	// Pool has the connections and the authorities that clients share; without one, the client has its own.
	Pool *Pool
	// UserAgent is sent with each request.
	UserAgent string
	// Redactor masks credentials in what errors quote. The key is masked even without one.
	Redactor *redact.Redactor
	// Large is called before more than 128 KiB of a task are kept (at most 4 MiB are), and release after that task. Its error ends the
	// reading of the answer, and so does a call of end. It may be nil.
	Large func(ctx context.Context, end func()) (release func(), err error)
	// Answered is called with the result of each request that its caller did not give up: Success, or the kind of its error. It may be nil.
	Answered func(result string)
	// Now is the clock for Retry-After; nil: the real one.
	Now func() time.Time
}

// Client reads from one Livepeer Studio project. It is safe for concurrent use.
type Client struct {
	config  Config
	base    string
	host    string
	http    *http.Client
	release func()
	// places bounds the requests under way.
	places *semaphore.Weighted

	// keyset: the server is known to page by id, so that a refused cursor is an error and not a missing feature.
	keyset atomic.Bool

	mu sync.Mutex
	// unchanged is the last incremental listing that had a single page.
	unchanged validator
	// refusal is the answer whose Retry-After ends last, at quiet.
	refusal *Error
	quiet   time.Time
}

// validator is the ETag of the list at url, for conditional requests.
type validator struct{ url, etag string }

// New makes a client. The error is a *ConfigError.
func New(cfg Config) (*Client, error) {
	u, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	if err := cfg.Hosts.check(targetOf(u), targetOf(u).addr); err != nil {
		return nil, err
	}
	key := cfg.Key.Reveal()
	switch {
	case key == "":
		return nil, &ConfigError{Field: "apiKey", Message: "The API key is empty. Put a Livepeer Studio API key into apiKey of the Secret."}
	case StrangerIn(key) != "":
		return nil, &ConfigError{Field: "apiKey",
			Message: "The API key contains " + StrangerIn(key) + ". Put only the key into apiKey of the Secret."}
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	pool := cfg.Pool
	if pool == nil {
		pool = NewPool()
	}
	transport, release, err := pool.transport(u, &cfg)
	if err != nil {
		return nil, err
	}
	cfg.CA = nil // the transport has it
	return &Client{
		config:  cfg,
		base:    strings.TrimRight(u.String(), "/"),
		host:    u.Host,
		http:    &http.Client{Transport: transport, CheckRedirect: checkRedirect},
		release: release,
		places:  semaphore.NewWeighted(maxRequests),
	}, nil
}

// parseBase does not quote a URL that it refuses, since it may hold a credential.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return nil, &ConfigError{Field: "url",
			Message: "The url is not an http or https URL with a host. Set one such as https://livepeer.studio/api."}
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, &ConfigError{Field: "url",
			Message: "The url carries user info, a query or a fragment. Remove them, and put the key into apiKey of the Secret."}
	}
	return u, nil
}

// StrangerIn names the first character that no key or token has: white space, control characters such as a line break, invisible
// characters, as editors and copied text bring along, quotation marks, and non-ASCII characters. "" if there is none.
func StrangerIn(key string) string {
	for i, r := range []rune(key) {
		var what string
		switch {
		case unicode.IsControl(r):
			what = "a line break or another control character"
		case r == '\uFEFF':
			what = "a byte order mark"
		case unicode.IsSpace(r):
			what = "white space"
		case !unicode.IsGraphic(r):
			what = "an invisible character"
		case strings.ContainsRune("\"'`‘’“”„«»", r):
			what = "a quotation mark"
		case r > unicode.MaxASCII:
			what = "a character that is not ASCII"
		default:
			continue
		}
		return fmt.Sprintf("%s (%U, character %d)", what, r, i+1)
	}
	return ""
}

// Close closes idle connections unless other clients share them. Requests under way go on.
func (c *Client) Close() { c.release() }

// Get reads the task with this id, also if it is deleted. The error is an *Error, of kind NotFound where the API says
// that there is no such task, or that of ctx.
func (c *Client) Get(ctx context.Context, id string) (Task, error) {
	if !Askable(id) {
		return Task{}, &Error{Kind: Malformed, Message: "The task has no id that the API can be asked for."}
	}
	var task Task
	err := c.do(ctx, c.base+"/task/"+url.PathEscape(id), "", func(resp *http.Response) error {
		if resp.StatusCode != http.StatusOK {
			return c.refused(resp, id)
		}
		b := newBody(resp.Body)
		t, err := decodeTask(c.splitter(resp, b))
		if err == nil && t.ID != id {
			err = errOtherTask
		}
		if err != nil {
			return c.unreadable(resp, b, aTask, err)
		}
		task = t
		return nil
	})
	return task, err
}

// Askable reports whether the API can be asked for a task with this id: the URL of some ids is not that of a task.
func Askable(id string) bool { return id != "" && id != "." && id != ".." }

// do sends one GET request, and calls read with the answer, all within the timeout. If ctx has ended, it returns the error of ctx.
func (c *Client) do(ctx context.Context, target, etag string, read func(*http.Response) error) error {
	reqCtx, end := withEnd(ctx)
	defer end(nil)
	reqCtx, cancel := context.WithTimeout(reqCtx, c.config.Timeout)
	defer cancel()
	if refusal := c.leftAlone(); refusal != nil {
		return refusal
	}
	req, err := http.NewRequestWithContext(reqCtx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return c.unreachable(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Authorization", "Bearer "+c.config.Key.Reveal())
	if c.config.UserAgent != "" {
		req.Header.Set("User-Agent", c.config.UserAgent)
	}
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	err = c.send(req, read)
	c.leaveAlone(err)
	// If the caller gave up, any other error follows from that.
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if c.config.Answered != nil {
		c.config.Answered(resultOf(err))
	}
	return err
}

// send sends the request once there is a place for it.
func (c *Client) send(req *http.Request, read func(*http.Response) error) error {
	if err := c.places.Acquire(req.Context(), 1); err != nil {
		return c.unreachable(err)
	}
	defer c.places.Release(1)
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	// Unread data is discarded on purpose.
	defer func() { _ = resp.Body.Close() }()
	unzip(resp)
	if encoding := encodingOf(resp); encoding != "" && resp.StatusCode == http.StatusOK {
		return &Error{Kind: Malformed, Status: resp.StatusCode, Message: fmt.Sprintf("The answer of the API is encoded as %s, which was "+
			"not asked for. Correct what is between the operator and the API.", strconv.Quote(c.clean(encoding, 60)))}
	}
	return read(resp)
}

// leaveAlone notes the Retry-After of a request's answer: all requests of this client obey it, whatever else goes wrong meanwhile.
func (c *Client) leaveAlone(err error) {
	refusal, _ := errors.AsType[*Error](err)
	if refusal == nil || refusal.RetryAfter <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := c.config.Now().Add(refusal.RetryAfter); until.After(c.quiet) {
		c.refusal, c.quiet = refusal, until
	}
}

// leftAlone returns the answer whose Retry-After is not over yet, with the time that is left of it; nil if there is none.
func (c *Client) leftAlone() *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.quiet.Sub(c.config.Now())
	if c.refusal == nil || left <= 0 {
		return nil
	}
	again := *c.refusal
	again.Status, again.RetryAfter = 0, left // nothing was asked: it says nothing about a row
	return &again
}
