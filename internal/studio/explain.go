// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// usualKey is the form of Studio's keys.
var usualKey = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

var errOtherTask = errors.New("the answer is another task")

// What an answer is expected to be.
const (
	aTask = "a task"
	aList = "a list of tasks"
)

// refused explains an answer with a status other than 200. The id is that of the task asked for, "" for a list.
func (c *Client) refused(resp *http.Response, id string) *Error {
	b := newBody(io.LimitReader(resp.Body, maxErrorBody))
	// An error here only leaves less to quote.
	raw, _ := io.ReadAll(b)
	if encodingOf(resp) != "" {
		raw = nil
	}
	said := fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if m := c.detail(resp.Header.Get("Content-Type"), raw); m != "" {
		said += ": " + m
	}
	e := &Error{Kind: kindOf(resp.StatusCode), Status: resp.StatusCode}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		e.Message = fmt.Sprintf("The proxy asks for credentials (%s). Put them into HTTP_PROXY of the operator.", said)
		return e
	}
	switch e.Kind {
	case Unauthorized:
		e.Message = fmt.Sprintf(
			"The API does not accept the key (%s). Check apiKey in the Secret; a new key can take Studio 2 minutes.", said)
		if !usualKey.MatchString(c.config.Key.Reveal()) {
			e.Message += " This one does not look like a key of Studio, a UUID of 36 characters: store the whole key, with nothing " +
				"around it and not encoded in base64 twice."
		}
	case Forbidden:
		e.Message = fmt.Sprintf("The key is not allowed to read tasks (%s). Give it the right to GET task and task/:id.", said)
		switch {
		case strings.Contains(said, "user is suspended"):
			e.Message = fmt.Sprintf(
				"Studio has suspended the user of the key (%s). Ask Livepeer's support, or use another user's key.", said)
		case strings.Contains(said, "CORS"):
			e.Message = fmt.Sprintf("The key is one for web pages, with a CORS restriction (%s). Make one without it.", said)
		case id != "":
			e.Message = fmt.Sprintf(
				"The key is not allowed to read task %s (%s). Give it the right to GET task/:id.", c.clean(id, 100), said)
		}
	case NotFound:
		e.Message = fmt.Sprintf("There is no task list at %s/task (%s). Check spec.url, which goes without /task, such as "+
			"https://livepeer.studio/api.", c.clean(c.base, 200), said)
		if id != "" {
			e.Message = fmt.Sprintf("The API knows no task %s (%s).", c.clean(id, 100), said)
		}
	case RateLimited:
		e.Message = fmt.Sprintf("The API is asked too often (%s). It is asked again by itself; if that goes on, raise spec.interval.", said)
	case Unavailable:
		e.Message = fmt.Sprintf("The API is not available (%s). It is asked again by itself.", said)
		if strings.Contains(said, "TypeError") || strings.Contains(said, "Cannot read properties") {
			e.Message += " Studio answers so to every request with a key whose project was deleted: check that it is still there."
		}
	default:
		e.Message = fmt.Sprintf("The API gave an unexpected answer (%s). Check spec.url, and any proxy before it.", said)
	}
	if e.Kind == RateLimited || e.Kind == Unavailable {
		e.RetryAfter = RetryAfter(resp.Header, time.Now())
	}
	return e
}

// encodingOf returns the encoding that an answer still has, "" if none.
func encodingOf(resp *http.Response) string {
	encoding := strings.TrimSpace(strings.Join(resp.Header.Values("Content-Encoding"), ", "))
	if strings.EqualFold(encoding, "identity") {
		return ""
	}
	return encoding
}

// apiMessages is the form of the API's error answers.
type apiMessages struct {
	Errors  []string `json:"errors"`
	Message string   `json:"message"`
}

// detail returns the text of an error answer, fit to be quoted; "" if it has none.
func (c *Client) detail(contentType string, raw []byte) string {
	var m apiMessages
	if json.Unmarshal(raw, &m) != nil {
		return c.excerpt(contentType, raw)
	}
	if len(m.Errors) == 0 {
		return c.clean(m.Message, maxMessage)
	}
	return c.clean(joinBounded(m.Errors), maxMessage)
}

// unreadable explains an answer with status 200 that could not be read as what was expected.
func (c *Client) unreadable(resp *http.Response, b *body, expected string, err error) *Error {
	if b.broken != nil {
		e := c.unreachable(b.broken)
		e.Status = resp.StatusCode
		return e
	}
	e := &Error{Kind: Malformed, Status: resp.StatusCode, Err: c.safe(err)}
	switch {
	case errors.Is(err, errListTooLarge):
		e.Message = fmt.Sprintf("The API answered more than can be read: %s.", err)
	case errors.Is(err, errTooCompressed):
		e.Message = fmt.Sprintf("The API answered more than is read: %s. Check spec.url, and any proxy before it.", err)
	case errors.Is(err, errOtherTask):
		e.Message = "The API answered another task than was asked for."
	case errors.Is(err, errTooMany):
		e.Message = fmt.Sprintf("The API lists more than %d tasks.", maxTasks)
	case errors.Is(err, errNoRoom):
		e.Kind = Unavailable
		e.Message = "The memory limit of listings is reached, in this namespace or in total. This one continues by itself when others " +
			"have ended; a lower spec.history.maxTasks makes it shorter."
	case errors.Is(err, errLarge):
		e.Kind = Unavailable
		e.Message = fmt.Sprintf("Reading a task of more than %d KiB was postponed: the memory limit of large tasks being read is "+
			"reached, in this namespace or in total. The operator asks for it again by itself.", largeTask>>10)
	case len(bytes.TrimSpace(b.head)) == 0:
		e.Message = fmt.Sprintf("The API gave an empty answer instead of %s. Check spec.url.", expected)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Message = fmt.Sprintf("The answer of the API breaks off before %s is complete.", expected)
	case looksLike(expected, b.head):
		// Its beginning may be a task, which would explain nothing.
		e.Message = fmt.Sprintf("The API answered %s that can't be read: %s.", expected, c.clean(err.Error(), maxExcerpt))
	default:
		ct := resp.Header.Get("Content-Type")
		e.Message = fmt.Sprintf("The API did not answer %s: what came (%s) begins with %s. Check spec.url.",
			expected, c.clean(ct, 60), c.excerpt(ct, b.head))
	}
	return e
}

// looksLike reports whether an answer begins like the expected JSON.
func looksLike(expected string, head []byte) bool {
	open := byte('[')
	if expected == aTask {
		open = '{'
	}
	head = bytes.TrimSpace(head)
	return len(head) > 0 && head[0] == open
}

// unreachable explains why there is no answer, or only a part of one.
func (c *Client) unreachable(err error) *Error {
	// The text of a url.Error holds the URL.
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return &Error{Kind: Unavailable, Message: c.why(err), Err: c.safe(err)}
}

func (c *Client) why(err error) string {
	if m := c.whyTLS(err); m != "" {
		return m
	}
	// An address that --allowed-hosts does not permit: that shows only once the host's name is resolved.
	if config, ok := errors.AsType[*ConfigError](err); ok {
		return config.Message
	}
	proxy, refused := errors.AsType[*proxyError](err)
	redirect, redirected := errors.AsType[*redirectError](err)
	dns, unresolved := errors.AsType[*net.DNSError](err)
	op, _ := errors.AsType[*net.OpError](err)
	timeout, _ := errors.AsType[net.Error](err)
	switch {
	case redirected:
		return fmt.Sprintf("The API redirects to %s, where the key is not sent. If the API is there, correct spec.url.",
			c.clean(redirect.to, 200))
	case errors.Is(err, errRedirects):
		return "The API redirects again and again. Check spec.url."
	case refused && proxy.status == http.StatusProxyAuthRequired:
		return "The proxy asks for credentials (407). Put them into HTTPS_PROXY of the operator."
	case refused:
		return fmt.Sprintf("The proxy does not connect to %s (%d %s). Check HTTPS_PROXY and NO_PROXY of the operator.",
			c.host, proxy.status, http.StatusText(proxy.status))
	case op != nil && op.Op == "proxyconnect":
		return fmt.Sprintf("The proxy can't be reached (%s). Check HTTPS_PROXY and NO_PROXY of the operator.", c.clean(err.Error(), 200))
	case unresolved && dns.IsNotFound:
		return fmt.Sprintf("The host %s is not known to DNS. Check spec.url.", c.clean(dns.Name, 200))
	case unresolved:
		return fmt.Sprintf("The host %s could not be looked up: no answer from DNS. Check the cluster's DNS and network policies.",
			c.clean(dns.Name, 200))
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("The API's host %s refuses connections. Check spec.url and network policies.", c.host)
	case op != nil && op.Op == "dial" && op.Timeout():
		return fmt.Sprintf("There was no connection to %s within %s. Check spec.url and network policies.",
			c.host, min(c.config.Timeout, connectTimeout))
	case errors.Is(err, context.DeadlineExceeded), timeout != nil && timeout.Timeout():
		return fmt.Sprintf("The API did not answer in full within %s. If it is just slow, raise spec.timeout.", c.config.Timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Sprintf("The connection to %s was closed before the answer was complete. If that goes on, check spec.url, and what "+
			"stands between, such as a proxy.", c.host)
	case tooLongHeader(err):
		return fmt.Sprintf("The header of the answer is longer than %d KiB. Check spec.url, and what stands between, such as a proxy.",
			maxHeaderBytes>>10)
	default:
		return fmt.Sprintf("The API can't be reached: %s. Check spec.url and network policies.", c.clean(Lasting(err).Error(), 200))
	}
}

// tooLongHeader reports whether the header of an answer was beyond maxHeaderBytes. Only the texts of net/http tell, one for each
// version of HTTP.
func tooLongHeader(err error) bool {
	text := err.Error()
	return strings.Contains(text, "server response headers exceeded") || strings.Contains(text, "response header list larger")
}

// Lasting returns an error without the details that differ in each attempt, the present time and the local port: a condition that
// quoted them would be written again after each attempt.
func Lasting(err error) error {
	if text := outdated(err); text != "" {
		return errors.New(text)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Source != nil {
		return op.Err
	}
	return err
}

// outdated says when a certificate is valid; "" if the error is not about its validity period.
func outdated(err error) string {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	if !ok || invalid.Reason != x509.Expired || invalid.Cert == nil {
		return ""
	}
	return fmt.Sprintf("the certificate's time is %s to %s",
		invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
}

// whyTLS explains why there is no TLS connection; "" if the error is not about TLS.
func (c *Client) whyTLS(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("The certificate of %s is signed by an unknown authority. If it is yours, put its certificate in PEM "+
			"into ca.crt of the Secret.", c.host)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("The certificate that the API shows is not for %s. Check spec.url.", c.host)
	}
	if invalid, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		next := "Replace it."
		if outdated(err) != "" {
			next = "Renew it, or set the clock of the operator's node right."
		}
		return fmt.Sprintf("%s shows a certificate that is not valid: %s. %s", c.host, c.clean(Lasting(invalid.Err).Error(), 200), next)
	}
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	if noTLS || errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Sprintf("%s does not speak TLS. Check the scheme and port of spec.url.", c.host)
	}
	return ""
}
