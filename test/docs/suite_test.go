// SPDX-License-Identifier: Apache-2.0

// Package docs_test runs the commands that the documents show.
package docs_test

import (
	"bytes"
	"context"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const soon = 4 * time.Minute

// The tasks that the documents name.
const (
	done    = "011f3775-ef56-464e-ac06-15bc83747801"
	failed  = "49e9ad6b-dfe4-46e9-ac38-000ece468230"
	running = "f541da15-0dd8-419a-a7ef-af5d4571fc25"
	waiting = "0d080006-2e82-4168-a79e-45033e75942d"
)

type obj = map[string]any

// world is a cluster of its own, with four tasks that an operator mirrors from a simulated Studio.
type world struct {
	Gomega
	ctx        context.Context
	cluster    *controlplane.ControlPlane
	client     client.Client
	studio     *livepeertest.Server
	kubeconfig string
	path       string // where kubectl and its plugins are
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Gomega: NewWithT(t), ctx: t.Context(), studio: livepeertest.NewServer()}
	ctrl.SetLogger(logr.Discard())
	cluster, err := controlplane.Start(w.ctx, controlplane.Options{})
	w.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { w.Expect(cluster.Stop()).To(Succeed()) })
	w.cluster = cluster
	scheme := runtime.NewScheme()
	w.Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	w.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	w.client, err = client.New(cluster.Config(), client.Options{Scheme: scheme})
	w.Expect(err).NotTo(HaveOccurred())
	w.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	w.Expect(controlplane.WriteKubeconfig(w.kubeconfig, cluster.Config(), "default")).To(Succeed())
	w.path = filepath.Dir(cluster.Kubectl())

	mgr, err := ctrl.NewManager(cluster.Config(), ctrl.Options{
		Scheme:     scheme,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(controller.Setup(mgr, controller.Config{UserAgent: "test"})).To(Succeed())
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		w.Eventually(ended, soon).Should(Receive(BeNil()))
	})
	w.mirror(t)
	return w
}

// mirror puts the tasks into Studio and waits until all are in the cluster.
func (w *world) mirror(t *testing.T) {
	t.Helper()
	task := func(minute int, id, kind, phase string, status, more obj) {
		at := time.Now().Add(time.Duration(minute-10) * time.Minute).UnixMilli()
		it := livepeertest.Task{"id": id, "type": kind, "createdAt": at, "scheduledAt": at}
		maps.Copy(it, more)
		becomes(phase, status)(it)
		it["status"].(obj)["updatedAt"] = at + 4*time.Minute.Milliseconds()
		w.studio.Put(it)
	}
	task(1, done, "upload", "completed", nil, obj{
		"outputAssetId": "00d924f8-1597-4a4c-aa50-a15b57c96487",
		"output": obj{"upload": obj{"assetSpec": obj{
			"id":          "00d924f8-1597-4a4c-aa50-a15b57c96487",
			"name":        "holiday.mp4",
			"playbackUrl": "https://cdn.example.com/hls/27d2c5368ce097ae/index.m3u8",
		}}},
	})
	task(2, failed, "export", "failed", obj{"errorMessage": "The export timed out"}, obj{
		"inputAssetId": "6e1f0a57-30d7-4d4c-8a6e-0a9d0c7d2b11",
	})
	task(3, waiting, "transcode-file", "waiting", nil, nil)
	task(4, running, "clip", "running", obj{"progress": 0.4}, nil)

	server := httptest.NewServer(w.studio)
	t.Cleanup(server.Close)
	meta := metav1.ObjectMeta{Namespace: "default", Name: "livepeer"}
	secret := &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"apiKey": livepeertest.APIKey}}
	w.Expect(w.client.Create(w.ctx, secret)).To(Succeed())
	source := &v1alpha1.LivepeerTaskSource{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "main"},
		Spec: v1alpha1.LivepeerTaskSourceSpec{
			URL:            server.URL + "/api",
			SecretRef:      v1alpha1.SecretReference{Name: "livepeer"},
			Interval:       metav1.Duration{Duration: time.Second},
			ResyncInterval: metav1.Duration{Duration: time.Hour},
			Timeout:        metav1.Duration{Duration: 10 * time.Second},
		},
	}
	w.Expect(w.client.Create(w.ctx, source)).To(Succeed())
	w.runs(t, step{command: "kubectl wait lpts/main --for=condition=Ready --timeout=1m"}, nil)
}

// buildPlugin lets kubectl know the plugin.
func (w *world) buildPlugin(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	w.path += ":" + dir
	cmd := exec.CommandContext(w.ctx, "go", "build", "-trimpath", "-o", dir, ".")
	cmd.Dir, cmd.Env = "../../cmd/kubectl-livepeer", append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	w.Expect(err).NotTo(HaveOccurred(), string(out))
}

// becomes changes the task's phase, now.
func becomes(phase string, status obj) func(livepeertest.Task) {
	return func(task livepeertest.Task) {
		it := obj{"phase": phase, "updatedAt": time.Now().UnixMilli()}
		maps.Copy(it, status)
		task["status"] = it
	}
}

// resync asks for a full sync, which finds deletions.
func (w *world) resync() {
	w.Expect(testbed.RequestSync(w.ctx, w.client, "default", "now")).To(Succeed())
}

// process is a command that runs.
type process struct {
	mu   sync.Mutex
	text bytes.Buffer
	done chan struct{} // closed at the end; err is set then
	err  error
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// start runs a command in a shell that knows kubectl and the cluster. The end of ctx ends it and what it started.
func (w *world) start(ctx context.Context, command string) *process {
	p := &process{done: make(chan struct{})}
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", command)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.kubeconfig, "PATH="+w.path+":"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = p, p
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	w.Expect(cmd.Start()).To(Succeed())
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p
}
