// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// canaryTrouble is an API that fails, and tells credentials while it does.
type canaryTrouble struct {
	reason      string
	answer      http.HandlerFunc
	certificate *tls.Certificate // nil: plain http
}

// says answers a status and a body, in which CANARY stands for a credential and APIKEY for that of the request. header is
// name and value in turn.
func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		fill := strings.NewReplacer("CANARY", canary(9000), "APIKEY", key, "BASE64KEY", base64.StdEncoding.EncodeToString([]byte(key)),
			"ENCODEDKEY", url.QueryEscape(strings.ReplaceAll(key, "-", "%2D")), "HALFKEY", key[:len(key)*2/3], "UPPERKEY", strings.ToUpper(key))
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], fill.Replace(header[i+1]))
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(fill.Replace(body)))
	}
}

// hijacks answers with what is no HTTP.
func hijacks(w http.ResponseWriter, r *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = conn.Write([]byte(r.Header.Get("Authorization") + "\r\ntoken: " + canary(9000) + "\r\n\r\n"))
		_ = conn.Close()
	}
}

// breaksOff ends in the middle of a task.
func breaksOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(1000))
	_, _ = w.Write([]byte(`[{"id":"a","params":{"apiKey":"` + canary(9000)))
}

func canaryTroubles(w *world) []canaryTrouble {
	const text, html = "text/plain", "text/html"
	unauthorized, forbidden, limited := v1alpha1.ReasonUnauthorized, v1alpha1.ReasonForbidden, v1alpha1.ReasonRateLimited
	unavailable, malformed := v1alpha1.ReasonUnavailable, v1alpha1.ReasonMalformed
	plain := []canaryTrouble{
		{unauthorized, says(401, `{"errors":["no token APIKEY found"]}`), nil},
		{unauthorized, says(401, `{"errors":["no token UPPERKEY found","BASE64KEY","ENCODEDKEY"]}`), nil},
		{unauthorized, says(401, `{"message":"HALFKEY... is no key, and neither is APIKEY"}`), nil},
		{unauthorized, says(401, "Bearer APIKEY", "Content-Type", text, "WWW-Authenticate", `Basic realm="CANARY"`), nil},
		{forbidden, says(403, `{"errors":["Authorization: Bearer CANARY","key=CANARY"]}`), nil},
		{forbidden, says(403, `<html><body>token: CANARY APIKEY</body></html>`, "Content-Type", html), nil},
		{limited, says(429, `{"message":"s3+https://u:CANARY@h/b"}`, "Retry-After", "CANARY"), nil},
		{unavailable, says(500, `{"errors":["GET https://h/x?sig=CANARY","`+strings.Repeat("ä ", 138)+`APIKEY"]}`), nil},
		{unavailable, says(503, "password=CANARY\nsecret: CANARY", "Content-Type", text, "Retry-After", "1"), nil},
		{unavailable, says(502, `{"errors":[{"token":"CANARY"}]}`), nil},
		{malformed, says(404, `{"path":"/api/task?token=CANARY"}`), nil},
		{malformed, says(400, `error parsing filters: apiKey CANARY`, "Content-Type", text), nil},
		{malformed, says(200, `{"message":"ok","apiSecret":"CANARY"}`), nil},
		{malformed, says(200, `token CANARY`, "Content-Type", "text/plain; token=CANARY"), nil},
		{malformed, says(200, `<!DOCTYPE html><title>CANARY</title>`, "Content-Type", html), nil},
		{malformed, says(200, "-----BEGIN PRIVATE KEY-----\nCANARY", "Content-Type", text), nil},
		{malformed, says(200, `[{"id":"a","apiKey":"CANARY"},oops CANARY]`), nil},
		{malformed, says(200, `["CANARY",{"id":{"CANARY":"CANARY"}},CANARY]`), nil},
		{malformed, says(200, `{"id":"a","url":"https://u:CANARY@h/"`), nil},
		{malformed, says(204, ``, "Link", `<http://u:CANARY@h/?cursor=CANARY>; rel="next"`), nil},
		{malformed, says(200, `[{"id":"a"}`, "ETag", `"CANARY"`, "Set-Cookie", "sid=CANARY"), nil},
		{unavailable, says(302, ``, "Location", "http://user:CANARY@127.0.0.2/x?token=CANARY"), nil},
		{unavailable, says(302, ``, "Location", "https://127.0.0.1/?token=CANARY"), nil},
		{unavailable, says(302, ``, "Location", "/api/task?token=CANARY"), nil},
		{unavailable, says(302, ``, "Location", "http://user:CANARY@h/%zz?token=CANARY"), nil},
		{unavailable, hijacks, nil},
		{unavailable, breaksOff, nil},
	}
	return append(plain,
		canaryTrouble{unavailable, says(200, `[]`), w.certificate(time.Hour, "127.0.0.1")},
		canaryTrouble{unavailable, says(200, `[]`), w.certificate(-time.Hour, "127.0.0.1")},
		canaryTrouble{unavailable, says(200, `[]`), w.certificate(time.Hour, "token-"+canary(9000)+".example")},
	)
}

// certificate makes one that nobody trusts, with credentials in its names.
func (w *world) certificate(valid time.Duration, name string) *tls.Certificate {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(valid), DNSNames: []string{name},
		Subject: pkix.Name{CommonName: "token=" + canary(9000), Organization: []string{canary(9000)}}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	w.Expect(err).NotTo(HaveOccurred())
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
