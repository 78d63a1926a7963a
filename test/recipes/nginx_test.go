// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// nginx before the operator's own binary, with what ingress-nginx writes into its configuration for the sample, and for it with the annotation of
// docs/push.md: the difference is the scheme of proxy_pass.
func TestNginx(t *testing.T) {
	tool(t, "") // or skip
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("nginx is not there; on Debian: apt-get install nginx")
	}
	h := newHooksCluster(t)
	stop := h.startOperator("--receiver-bind-address=" + h.receiver)
	h.receives()
	t.Run("plain", func(t *testing.T) {
		h := h.in(t)
		h.startNginx("http", "")
		h.reaches()
	})
	stop()
	h.startOperator("--receiver-bind-address="+h.receiver, "--receiver-cert-path="+h.ca.folder(t, internalName))
	h.speaksTLS()
	t.Run("TLS without the annotation", func(t *testing.T) {
		h := h.in(t)
		h.startNginx("http", "")
		answer := h.send(h.studio.IDs()[0])
		h.Expect(answer).To(MatchRegexp("^(400|502) "), "nobody speaks TLS to the operator, which closes the connection")
		t.Log(answer)
	})
	for name, verify := range map[string]string{
		"TLS": "proxy_ssl_verify off;", "TLS, verified": "proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.crt; proxy_ssl_name " + internalName + ";",
	} {
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			h.startNginx("https", verify)
			h.reaches()
		})
	}
}

// startNginx runs nginx until the end of the test, once it listens.
func (h *hooksCluster) startNginx(scheme, more string) {
	h.t.Helper()
	dir := h.ca.folder(h.t, hooksHost)
	config := strings.NewReplacer("ENTRY", h.entry, "HOST", hooksHost, "RECEIVER", h.receiver, "SCHEME", scheme, "MORE", more, "DIR", dir).Replace(`
daemon off; pid DIR/pid; error_log stderr; worker_processes 2; worker_shutdown_timeout 1s;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
  upstream upstream_balancer { server RECEIVER; keepalive 320; keepalive_time 1h; keepalive_timeout 60s; keepalive_requests 10000; }
  server {
    listen ENTRY ssl; server_name HOST; ssl_certificate DIR/tls.crt; ssl_certificate_key DIR/tls.key;
    location /hooks/ {
      client_max_body_size 1m; MORE
      proxy_set_header Host $http_host; proxy_set_header Connection ""; proxy_set_header X-Request-ID $request_id;
      proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Scheme $scheme;
      proxy_http_version 1.1; proxy_connect_timeout 5s; proxy_send_timeout 60s; proxy_read_timeout 60s; proxy_buffering off; proxy_request_buffering on;
      proxy_next_upstream error timeout; proxy_next_upstream_tries 3;
      proxy_pass SCHEME://upstream_balancer;
    }
  }
}`)
	h.Expect(os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600)).To(Succeed())
	nginx, err := exec.LookPath("nginx")
	h.Expect(err).NotTo(HaveOccurred())
	startTool(h.t, nginx, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr")
	h.Eventually(func() error {
		conn, err := (&net.Dialer{}).DialContext(h.t.Context(), "tcp", h.entry)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}, gitopsBound).Should(Succeed())
}
