// SPDX-License-Identifier: Apache-2.0

// The Livepeer task operator mirrors the tasks of Livepeer Studio as LivepeerTask objects. This file only wires: see
// internal/controller for what happens.
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"
	controllers "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/election"
	"github.com/livepeer/livepeer-task-operator/internal/installcheck"
	"github.com/livepeer/livepeer-task-operator/internal/logging"
	"github.com/livepeer/livepeer-task-operator/internal/serving"
	"github.com/livepeer/livepeer-task-operator/internal/shard"
	"github.com/livepeer/livepeer-task-operator/internal/studio"
	"github.com/livepeer/livepeer-task-operator/internal/unserved"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

const (
	leaseName     = "livepeer-task-operator.studio.livepeer.org"
	renewDeadline = 6 * time.Second
	// stored is how long to wait until all stored tasks are read: with less, the operator would begin again and again where there are
	// many, or the API server is slow. Meanwhile the readiness probe says so.
	stored = 30 * time.Minute
)

// version is set when the binary is built.
var version = "dev"

// endpoint is where something is served, and with which certificate.
type endpoint struct {
	address string
	// folder of the certificate, and the names of its files.
	folder, cert, key string
}

// files are those of the certificate and of its key.
func (e *endpoint) files() (cert, key string) {
	return filepath.Join(e.folder, e.cert), filepath.Join(e.folder, e.key)
}

type options struct {
	leaderElect         bool
	metrics             endpoint
	metricsSecure       bool
	probeAddress        string
	watchNamespaces     string
	watchSelector       string
	allowedHosts        string
	receiver            endpoint
	receiverConnections int
	check               string
	zap                 zap.Options
	rest                []string // of the command line, behind the flags
}

func main() {
	var opts options
	flag.BoolVar(&opts.leaderElect, "leader-elect", false,
		"Let only one of several replicas work at a time. Needed with more than one replica.")
	flag.StringVar(&opts.metrics.address, "metrics-bind-address", ":8443", "Address of the metrics endpoint; 0 turns it off.")
	flag.BoolVar(&opts.metricsSecure, "metrics-secure", true,
		"Serve metrics over HTTPS, to clients that Kubernetes authenticates and authorizes.")
	flag.StringVar(&opts.metrics.folder, "metrics-cert-path", "",
		"Folder of the certificate of the metrics endpoint, read again when it changes; empty means a self-signed one.")
	flag.StringVar(&opts.metrics.cert, "metrics-cert-name", "tls.crt", "File of the certificate in --metrics-cert-path.")
	flag.StringVar(&opts.metrics.key, "metrics-cert-key", "tls.key", "File of its key in --metrics-cert-path.")
	flag.StringVar(&opts.probeAddress, "health-probe-bind-address", ":8081", "Address of the health probes; 0 turns them off.")
	flag.StringVar(&opts.watchNamespaces, "watch-namespaces", "", "Namespaces to work in, comma separated; empty means all.")
	flag.StringVar(&opts.watchSelector, "watch-label-selector", "", "Labels of the sources to serve, as for kubectl get -l: "+
		"studio.livepeer.org/shard=a. Empty means all. Operators that share a cluster each need another selector, and no source may "+
		"match two.")
	flag.StringVar(&opts.allowedHosts, "allowed-hosts", "", "Where sources and sinks may point to, comma separated: api.example.com, "+
		"*.example.com, 10.1.2.3, 10.0.0.0/8 over https; with :port, or http:// before it, over plain http as well. "+
		"* adds what empty means: any https host, and http to loopback. "+
		"Link-local, metadata and translated addresses always have to be listed themselves.")
	flag.StringVar(&opts.receiver.address, "receiver-bind-address", ":9292",
		"Address of the receiver of Studio's webhooks; 0 turns it off.")
	flag.StringVar(&opts.receiver.folder, "receiver-cert-path", "",
		"Folder of the certificate of the receiver, read again when it changes; empty means plain HTTP.")
	flag.StringVar(&opts.receiver.cert, "receiver-cert-name", "tls.crt", "File of the certificate in --receiver-cert-path.")
	flag.StringVar(&opts.receiver.key, "receiver-cert-key", "tls.key", "File of its key in --receiver-cert-path.")
	flag.IntVar(&opts.receiverConnections, "receiver-connections-per-address", webhook.DefaultConnections,
		"Open connections that one address may have to the receiver. Raise it where an Ingress needs more: "+
			"all that comes through one has its address.")
	flag.StringVar(&opts.check, "check", "", "Look at an operator instead of being one, and exit: this URL of its readiness probe has to "+
		"say within 30s that it is ready, and the cluster's CRDs have to be as new as this program. helm test runs it.")
	logging.Bind(&opts.zap, flag.CommandLine)
	flag.Parse()
	opts.rest = flag.Args()

	// Less than what Go tolerates by default: what is in use is small, and what is made for a moment is much.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(75)
	}
	if limit := memoryLimit(os.Getenv); limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	logging.Use(logging.New(&opts.zap, os.Stderr))
	if err := run(&opts); err != nil {
		ctrl.Log.WithName("setup").Error(err, "Operator failed")
		os.Exit(1)
	}
}

// memoryLimit is what the garbage collector is to stay below, so that it works harder before the kernel ends the process: nine
// tenths of what the container may have. The manifests put that into MEMORY_LIMIT, so that it follows whoever changes the limit, such as
// a vertical autoscaler. 0 where it is not known, or GOMEMLIMIT says it.
func memoryLimit(env func(string) string) int64 {
	limit, err := strconv.ParseInt(env("MEMORY_LIMIT"), 10, 64)
	if err != nil || env("GOMEMLIMIT") != "" {
		return 0
	}
	return limit / 10 * 9
}

func run(opts *options) error {
	if len(opts.rest) > 0 { // as with --leader-elect true: all flags behind it would be left out without a word
		return fmt.Errorf("%q is no flag, and no flag behind it counts: write --name=value, for example --leader-elect=true", opts.rest[0])
	}
	if opts.check != "" {
		return check(opts.check)
	}
	hosts, err := studio.ParseHosts(opts.allowedHosts)
	if err != nil {
		return fmt.Errorf("--allowed-hosts: %w", err)
	}
	watched, err := watchedBy(opts)
	if err != nil {
		return err
	}
	if err := studio.CheckProxy(); err != nil {
		return err
	}
	metrics, err := metricsOptions(opts)
	if err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("no cluster to work on: set --kubeconfig or KUBECONFIG: %w", err)
	}
	config.QPS = -1 // the API server's priority and fairness throttle better than a guess here
	config.UserAgent = "livepeer-task-operator/" + version

	ctx := ctrl.SetupSignalHandler()
	mgr, lock, err := newManager(opts, config, watched)
	if err != nil {
		return err
	}
	if mgr, err = serving.Probes(ctx, mgr, opts.probeAddress); err != nil {
		return err
	}
	if err := serving.Metrics(ctx, mgr, metrics); err != nil {
		return err
	}
	settings := controller.Config{
		UserAgent: config.UserAgent, Hosts: hosts,
		Namespaces: slices.Collect(maps.Keys(watched.namespaces)), Shard: !watched.sources.Empty(),
	}
	if opts.receiver.address != "0" {
		if settings.Receiver, err = receiverConfig(opts, mgr, lock); err != nil {
			return err
		}
	}
	if err := controller.Setup(mgr, settings); err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("health probe: %w", err)
	}
	ctrl.Log.WithName("setup").Info("Starting", "version", version, "sources", cmp.Or(watched.sources.String(), "all"))
	return mgr.Start(ctx)
}

// check looks at another operator, which is ready at this URL.
func check(probe string) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("no cluster to look at: set --kubeconfig or KUBECONFIG: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctrl.SetupSignalHandler(), 30*time.Second)
	defer cancel()
	if err := installcheck.Check(ctx, config, probe); err != nil {
		return err
	}
	ctrl.Log.WithName("check").Info("The operator is ready, and the CRDs are as new as this version", "version", version)
	return nil
}

// newManager makes the manager, and the lock by which it leads, which is nil where there is only one replica.
func newManager(opts *options, config *rest.Config, watched watched) (ctrl.Manager, *election.Lock, error) {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	options := ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       metricsserver.Options{BindAddress: "0"}, // ours are served by package serving
		LeaderElection:                opts.leaderElect,
		LeaderElectionID:              watched.lease(),
		LeaderElectionReleaseOnCancel: true,
		// Well before another replica can take the lease (15 s), so that what is under way has ended by then.
		RenewDeadline: new(renewDeadline),
		Cache:         watched.cache(),
		NewCache:      newCache,
		Controller:    controllers.Controller{CacheSyncTimeout: stored},
	}
	lock, err := leaderLock(opts, config, watched.lease())
	if err != nil {
		return nil, nil, err
	}
	if lock != nil { // a nil one in the interface would not be nil
		options.LeaderElectionResourceLockInterface = lock
	}
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, nil, fmt.Errorf("manager: %w", err)
	}
	if lock != nil {
		lock.Record(mgr.GetEventRecorderFor(lock.Identity()), mgr.Elected()) //nolint:staticcheck // As controller-runtime's own lock does.
	}
	return mgr, lock, nil
}

func metricsOptions(opts *options) (*serving.MetricsOptions, error) {
	metrics := &serving.MetricsOptions{Address: opts.metrics.address, Secure: opts.metricsSecure}
	if opts.metrics.folder == "" {
		return metrics, nil
	}
	metrics.Certificate, metrics.Key = opts.metrics.files()
	if _, err := tls.LoadX509KeyPair(metrics.Certificate, metrics.Key); err != nil {
		return metrics, fmt.Errorf("--metrics-cert-path: %w", err)
	}
	return metrics, nil
}

// leaderLock makes the lease by which one replica leads; nil where there is only one.
func leaderLock(opts *options, config *rest.Config, name string) (*election.Lock, error) {
	if !opts.leaderElect {
		return nil, nil
	}
	address, err := ownAddress(opts.receiver.address, os.Getenv("POD_IP"))
	if err != nil {
		return nil, err
	}
	lock, err := election.NewLock(config, election.Options{
		Namespace: os.Getenv("POD_NAMESPACE"), // empty: the namespace of the pod
		Name:      name, RenewDeadline: renewDeadline, Address: address,
	})
	if err != nil {
		return nil, fmt.Errorf("leader election: %w", err)
	}
	return lock, nil
}

// ownAddress is where the other replicas reach this one's receiver; not valid where they can't.
func ownAddress(listen, podIP string) (netip.AddrPort, error) {
	if listen == "0" || podIP == "" {
		return netip.AddrPort{}, nil
	}
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("--receiver-bind-address: %w", err)
	}
	address, err := netip.ParseAddrPort(net.JoinHostPort(podIP, port))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("POD_IP and --receiver-bind-address: %w", err)
	}
	return address, nil
}

// receiverConfig says where webhooks are received, with which certificate, and who of the replicas follows the sources.
func receiverConfig(opts *options, mgr ctrl.Manager, lock *election.Lock) (*webhook.Config, error) {
	if opts.receiver.address == "" { // which would be any port
		return nil, errors.New("--receiver-bind-address: empty; write :9292, or 0 to turn the receiver off")
	}
	if opts.receiverConnections < 1 {
		return nil, errors.New("--receiver-connections-per-address: at least 1")
	}
	config := &webhook.Config{Address: opts.receiver.address, Connections: opts.receiverConnections}
	if lock != nil {
		config.Election = lock
	}
	if opts.receiver.folder == "" {
		return config, nil
	}
	watcher, err := certwatcher.New(opts.receiver.files())
	if err != nil {
		return nil, fmt.Errorf("--receiver-cert-path: %w", err)
	}
	config.Certificate = watcher.GetCertificate
	return config, mgr.Add(watcher)
}

// watched is what the operator works on.
type watched struct {
	sources    labels.Selector         // by their labels
	namespaces map[string]cache.Config // nil means all
}

func watchedBy(opts *options) (watched, error) {
	sources, err := shard.Parse(opts.watchSelector)
	if err != nil {
		return watched{}, fmt.Errorf("--watch-label-selector: %w", err)
	}
	names, err := namespaces(opts.watchNamespaces)
	if err != nil {
		return watched{}, fmt.Errorf("--watch-namespaces: %w", err)
	}
	return watched{sources: sources, namespaces: names}, nil
}

// lease is what only one of those leads that work on the same.
func (w watched) lease() string { return shard.LeaseName(leaseName, w.sources) }

// cache holds the sources, and no others; of each, what is needed.
func (w watched) cache() cache.Options {
	options := cache.Options{DefaultNamespaces: w.namespaces, DefaultTransform: controller.Compact}
	if !w.sources.Empty() {
		options.ByObject = map[client.Object]cache.ByObject{&v1alpha1.LivepeerTaskSource{}: {Label: w.sources}}
	}
	return options
}

// newCache makes a cache that can be made before the CRDs are there: what is selected asks for the scope of its kind at once.
func newCache(config *rest.Config, options cache.Options) (cache.Cache, error) {
	own := meta.NewDefaultRESTMapper(nil)
	own.Add(v1alpha1.GroupVersion.WithKind("LivepeerTaskSource"), meta.RESTScopeNamespace)
	options.Mapper = meta.FirstHitRESTMapper{MultiRESTMapper: meta.MultiRESTMapper{options.Mapper, own}}
	if len(options.DefaultNamespaces) > 1 {
		config = unserved.Sources(config, ctrl.Log.WithName("cache"))
		options.HTTPClient = nil // which would be without it
	}
	return cache.New(config, options)
}

// namespaces reads the list of namespaces to work in; nil means all. One that can't be would have nothing in it, and nobody would be told:
// such as *, or $(POD_NAMESPACE) where there is no such variable.
func namespaces(list string) (map[string]cache.Config, error) {
	if list == "" {
		return nil, nil
	}
	watched := map[string]cache.Config{}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if len(validation.IsDNS1123Label(name)) > 0 {
			return nil, fmt.Errorf("%q can't be the name of a namespace; leave the flag out to work in all", name)
		}
		watched[name] = cache.Config{}
	}
	if len(watched) == 0 { // an empty map would mean all
		return nil, fmt.Errorf("%q names no namespace: leave the flag out to work in all", list)
	}
	return watched, nil
}
