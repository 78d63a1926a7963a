// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

const (
	// maxMessage bounds how much of the API's own text a message quotes, in bytes.
	maxMessage = 300
	// maxExcerpt bounds what is quoted of an answer that is no JSON, in bytes.
	maxExcerpt = 200
)

// excerpt quotes the beginning of an answer; "" if it is blank. HTML is not quoted: it explains nothing.
func (c *Client) excerpt(contentType string, raw []byte) string {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return ""
	case strings.Contains(strings.ToLower(contentType), "html"), raw[0] == '<':
		return "an HTML page"
	}
	return strconv.Quote(c.clean(string(raw[:min(len(raw), maxHead)]), maxExcerpt))
}

// clean makes text from elsewhere fit for a message: without control and other invisible characters, with credentials masked,
// and at most limit bytes long. Masking comes before cutting, because a cut credential is no longer recognised.
func (c *Client) clean(s string, limit int) string {
	s = c.mask(s)
	if plain := redact.Plain(s); plain != s { // after masking: a space in place of a control character would cut a credential in two
		s = c.mask(plain)
	}
	return redact.Cut(strings.Join(strings.Fields(s), " "), limit)
}

// mask masks credentials. The API repeats a wrong key in its answer, so the key is masked even if the redactor does not know it.
func (c *Client) mask(s string) string {
	s = strings.ReplaceAll(s, c.config.Key.Reveal(), redact.Mask)
	s, _ = c.config.Redactor.Text(s)
	return s
}

// safe returns err, or its masked text if that holds a credential.
func (c *Client) safe(err error) error {
	if text := err.Error(); c.mask(text) != text {
		return errors.New(c.mask(text))
	}
	return err
}

// joinBounded joins messages, of which there may be many.
func joinBounded(messages []string) string {
	return strings.Join(messages[:min(len(messages), 10)], "; ")
}
