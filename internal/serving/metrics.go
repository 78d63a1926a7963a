// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	certutil "k8s.io/client-go/util/cert"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/internal/scrapers"
)

// MetricsOptions say how metrics are served.
type MetricsOptions struct {
	// Address, "0" for none.
	Address string
	// Secure: over TLS, to those whom scrapers.Filter permits.
	Secure bool
	// Certificate and Key are files, which are read again when they change; empty: a certificate that is signed by itself.
	Certificate, Key string
}

// Metrics lets a manager serve the metrics of controller-runtime's registry.
func Metrics(ctx context.Context, mgr ctrl.Manager, options *MetricsOptions) error {
	const name, path = "metrics", "/metrics"
	if options.Address == "0" {
		return nil
	}
	handler := promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError})
	config := &tls.Config{
		// HTTP/1.1 only: HTTP/2 has let clients exhaust servers (CVE-2023-44487, CVE-2023-39325), and gains nothing here.
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	}
	if options.Secure {
		filter, err := scrapers.Filter(mgr.GetConfig(), mgr.GetHTTPClient())
		if err != nil {
			return fmt.Errorf("filter for metrics: %w", err)
		}
		// Once it is known who asks: else requests that wait for that could take all places.
		if handler, err = filter(mgr.GetLogger().WithName(name), working(handler)); err != nil {
			return fmt.Errorf("filter for metrics: %w", err)
		}
		if err := certify(mgr, config, options); err != nil {
			return fmt.Errorf("certificate for metrics: %w", err)
		}
	}
	listener, err := listen(ctx, name, cmp.Or(options.Address, metricsserver.DefaultBindAddress))
	if err != nil {
		return err
	}
	if options.Secure {
		listener = tls.NewListener(listener, config)
	}
	mux := http.NewServeMux()
	mux.Handle(path, handler)
	return mgr.Add(server(name, listener, mux))
}

// certify gives a server its certificate.
func certify(mgr ctrl.Manager, config *tls.Config, options *MetricsOptions) error {
	if options.Certificate != "" {
		watcher, err := certwatcher.New(options.Certificate, options.Key)
		if err != nil {
			return err
		}
		config.GetCertificate = watcher.GetCertificate
		return mgr.Add(watcher)
	}
	certificate, key, err := certutil.GenerateSelfSignedCertKeyWithFixtures("localhost", []net.IP{{127, 0, 0, 1}}, nil, "")
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	config.Certificates = []tls.Certificate{pair}
	return err
}
