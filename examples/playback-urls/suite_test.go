// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// In a copy of this folder, this is where the CRDs of the operator's release are.
const crds = "../../config/crd/bases"

const (
	soon  = 4 * time.Minute
	never = "" // a URL that a task does not have
)

// cluster is a real API server, which enforces rights; each test has a namespace of its own.
var cluster = &envtest.Environment{
	CRDDirectoryPaths:        []string{crds},
	ErrorIfCRDPathMissing:    true,
	BinaryAssetsDirectory:    cmp.Or(os.Getenv("KUBEBUILDER_ASSETS"), "../../bin/controlplane"),
	ControlPlaneStartTimeout: soon,
}

func TestMain(m *testing.M) {
	code := 1
	if err := startCluster(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	if err := cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// startCluster tries again with other ports: some connection may have taken one that envtest found free, and envtest itself
// tries again with the same.
func startCluster() (err error) {
	for range 3 {
		cluster.ControlPlane = envtest.ControlPlane{}
		// Else open watches hold the API server up for a minute when it is to stop.
		cluster.ControlPlane.GetAPIServer().Configure().Set("shutdown-watch-termination-grace-period", "1s")
		if _, err = cluster.Start(); err == nil {
			return nil
		}
		err = errors.Join(err, cluster.Stop())
	}
	return err
}

// world is a namespace with the manifests' rights, and a client for everything that an administrator and the operator do.
type world struct {
	Gomega
	ctx       context.Context
	client    client.Client
	namespace string
	applies   atomic.Int32 // requests of the controller to write a ConfigMap
}

func newWorld(t *testing.T) *world {
	w := &world{Gomega: NewWithT(t), ctx: t.Context()}
	scheme := runtime.NewScheme()
	w.Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	w.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	var err error
	w.client, err = client.New(cluster.Config, client.Options{Scheme: scheme})
	w.Expect(err).NotTo(HaveOccurred())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	w.Expect(w.client.Create(w.ctx, namespace)).To(Succeed())
	w.namespace = namespace.Name
	w.grant()
	return w
}

// grant creates what manifests/rights.yaml holds.
func (w *world) grant() {
	file, err := os.ReadFile("manifests/rights.yaml")
	w.Expect(err).NotTo(HaveOccurred())
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(file), 4096)
	for range 3 {
		object := &unstructured.Unstructured{}
		w.Expect(decoder.Decode(object)).To(Succeed())
		object.SetNamespace(w.namespace)
		if subjects, ok := object.Object["subjects"].([]any); ok {
			subjects[0].(map[string]any)["namespace"] = w.namespace // as kustomize does
		}
		w.Expect(w.client.Create(w.ctx, object)).To(Succeed())
	}
}

// start runs the controller under the rights of the manifests until the test ends or stop is called.
func (w *world) start(t *testing.T, maxBytes int) (stop func()) {
	user, err := cluster.AddUser(envtest.User{Name: "system:serviceaccount:" + w.namespace + ":" + name}, nil)
	w.Expect(err).NotTo(HaveOccurred())
	config := user.Config()
	config.Wrap(w.count)
	options, err := managerOptions(w.namespace)
	w.Expect(err).NotTo(HaveOccurred())
	options.Controller.SkipNameValidation = ptr.To(true) // several in one process
	mgr, err := ctrl.NewManager(config, options)
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect((&recorder{client: mgr.GetClient(), maxBytes: maxBytes}).setUp(mgr)).To(Succeed())
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stop = func() {
		if ctx.Err() == nil {
			cancel()
			w.Eventually(ended, soon).Should(Receive(BeNil()))
		}
	}
	t.Cleanup(stop)
	return stop
}

func (w *world) count(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if request.Method == http.MethodPatch && strings.Contains(request.URL.Path, "/configmaps/") {
			w.applies.Add(1)
		}
		return next.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
