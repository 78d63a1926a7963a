// SPDX-License-Identifier: Apache-2.0

// Package e2e installs the operator into the cluster that KUBECONFIG names and uses it as people do, with kubectl. Run it
// with make e2e; without E2E=1 every test is skipped.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

const (
	systemNamespace = "livepeer-task-operator-system"
	deployment      = "livepeer-task-operator-controller-manager"
	// soon bounds what takes seconds, on a machine that is busy.
	soon = 2 * time.Minute
)

// suite is what a test works with.
type suite struct {
	t       *testing.T
	g       *WithT
	client  client.WithWatch
	root    string // of the repository
	kubectl string
	image   string // of the operator
	peers   string // of the simulated Studio and the helper
	dir     string // temporary
}

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	code := m.Run()
	if os.Getenv("E2E") != "" && os.Getenv("E2E_KEEP") == "" {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute) // TestManyTasks may have left 100,000 tasks
		defer cancel()
		if err := cleanUp(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "the operator is left in the cluster:", err)
			code = 1
		}
	}
	os.Exit(code) //nolint:gocritic // what is deferred is a timer of this process
}

// cleanUp takes away what the last test left installed.
func cleanUp(ctx context.Context) error {
	e, err := connect()
	if err != nil {
		return err
	}
	variant, err := e.installed(ctx)
	if err != nil || variant == "" {
		return err
	}
	_, err = e.run(ctx, "", "delete", "--ignore-not-found", "--timeout=25m", "-k", everything)
	if err != nil {
		return err
	}
	_, err = e.run(ctx, "", "wait", "namespace", "-l", "e2e.livepeer.org/test", "--for=delete", "--timeout=90s")
	return err
}

func connect() (*suite, error) {
	e := &suite{kubectl: os.Getenv("KUBECTL"), image: os.Getenv("IMG"), peers: os.Getenv("E2E_STUDIO_IMG")}
	if e.kubectl == "" || e.image == "" || e.peers == "" || os.Getenv("KUBECONFIG") == "" {
		return nil, errors.New("KUBECTL, IMG, E2E_STUDIO_IMG and KUBECONFIG have to be set: run make e2e")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	if e.root, err = controlplane.RepoRoot(); err != nil {
		return nil, err
	}
	e.client, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	return e, err
}

// begin starts a test. Where it fails, it tells what the cluster knows.
func begin(t *testing.T) *suite {
	t.Helper()
	if os.Getenv("E2E") == "" {
		t.Skip("needs a cluster: make e2e")
	}
	e, err := connect()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return e.in(t)
}

// in is the suite for a test, or for a part of one.
func (e *suite) in(t *testing.T) *suite {
	t.Helper()
	own := *e
	e = &own
	e.t, e.g, e.dir = t, NewWithT(t), t.TempDir()
	e.g.SetDefaultEventuallyTimeout(soon)
	e.g.SetDefaultEventuallyPollingInterval(250 * time.Millisecond)
	e.g.Expect(os.Symlink(e.kubectl, filepath.Join(e.dir, "kubectl"))).To(Succeed())
	t.Cleanup(func() {
		if t.Failed() {
			e.tell()
		}
	})
	return e
}

// tell prints what helps to see why a test failed.
func (e *suite) tell() {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	for _, args := range [][]string{
		{"get", "pods", "-A", "-o", "wide"},
		{"-n", systemNamespace, "get", "leases,deployments", "-o", "wide"},
		{"-n", systemNamespace, "describe", "pods"},
		{"-n", systemNamespace, "logs", "-l", "app.kubernetes.io/component=manager", "--all-containers", "--prefix", "--tail=60"},
		{"-n", systemNamespace, "logs", "-l", "app.kubernetes.io/component=manager", "-c", "manager", "--previous", "--prefix", "--tail=20"},
		{"get", "livepeertasksources", "-A", "-o", "yaml"},
		{"get", "events", "-A", "--sort-by=.lastTimestamp"},
	} {
		out, err := e.run(ctx, "", args...)
		e.t.Logf("kubectl %s (%v):\n%s", strings.Join(args, " "), err, out)
	}
}

// run runs kubectl in the repository.
func (e *suite) run(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, e.kubectl, args...)
	cmd.Dir, cmd.Stdin = e.root, strings.NewReader(stdin)
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, failure.String())
	}
	return out.String(), nil
}

// k runs kubectl, and ends the test where it fails.
func (e *suite) k(args ...string) string {
	e.t.Helper()
	return e.apply("", args...)
}

// apply is k with an input.
func (e *suite) apply(stdin string, args ...string) string {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), 5*time.Minute)
	defer cancel()
	out, err := e.run(ctx, stdin, args...)
	e.g.Expect(err).NotTo(HaveOccurred())
	return strings.TrimSpace(out)
}

// try is k for Eventually.
func (e *suite) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(e.t.Context(), time.Minute)
	defer cancel()
	out, err := e.run(ctx, "", args...)
	return strings.TrimSpace(out), err
}
