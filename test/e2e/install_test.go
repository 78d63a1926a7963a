// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/gomega"
)

// variantAnnotation says on the operator's namespace what the suite installed.
const variantAnnotation = "e2e.livepeer.org/installed"

// errNotOurs keeps a user's own operator, and what it mirrors, from being removed.
var errNotOurs = errors.New("an operator that these tests did not install is in the cluster: remove it (make undeploy), or use another cluster")

// variant is a way to install the operator.
type variant string

const (
	asDefault   variant = "config/default"
	asHA        variant = "config/ha"
	asInstaller variant = "dist/install.yaml"
	asChart     variant = "charts/livepeer-task-operator"
	// Two replicas which can be cut off from the API server.
	asRelayed variant = "config/ha and relays"
	// One that may ask the simulated Studio over plain http.
	asPlainHTTP variant = "config/default and --allowed-hosts"
	// Two replicas with certificates from Secrets, which have to be there.
	asCertified variant = "config/ha and certificates"
	// As before the CRDs are there.
	asNoCRDs variant = "config/default without CRDs"
)

func (e *suite) install(v variant) {
	e.t.Helper()
	switch v {
	case asInstaller:
		e.k("apply", "-f", e.installer())
	case asChart:
		e.helmInstall()
	case asRelayed:
		patch, err := os.ReadFile("testdata/relay.yaml")
		e.g.Expect(err).NotTo(HaveOccurred())
		e.g.Expect(os.WriteFile(filepath.Join(e.dir, "relay.yaml"), []byte(strings.ReplaceAll(string(patch), "HELPER", e.peers)), 0o600)).To(Succeed())
		e.k("apply", "-k", e.overlay("config/ha", "patches: [{path: relay.yaml}]"))
	case asPlainHTTP:
		e.k("apply", "-k", e.overlay("config/default", allowPlainHTTP))
	case asCertified:
		components, err := filepath.Rel(e.dir, filepath.Join(e.root, "config", "components"))
		e.g.Expect(err).NotTo(HaveOccurred())
		e.k("apply", "-k", e.overlay("config/ha", strings.ReplaceAll(certificates, "COMPONENTS", components)))
	case asNoCRDs:
		e.k("apply", "-k", e.overlay("config/default", withoutCRDs))
	default:
		e.k("apply", "-k", e.folder(string(v)))
	}
	e.installedNow(string(v))
}

// helmInstall does what docs/helm.md says.
func (e *suite) helmInstall() {
	e.t.Helper()
	e.k("create", "namespace", systemNamespace)
	e.k("label", "namespace", systemNamespace, "pod-security.kubernetes.io/enforce=restricted")
	colon := strings.LastIndex(e.image, ":")
	out, err := e.helm("install", "livepeer-task-operator", string(asChart),
		"--set", "image.repository="+e.image[:colon], "--set", "image.tag="+e.image[colon+1:])
	e.g.Expect(err).NotTo(HaveOccurred(), out)
}

func (e *suite) helm(args ...string) (string, error) {
	cmd := exec.CommandContext(e.t.Context(), os.Getenv("HELM"), append(args, "-n", systemNamespace)...)
	cmd.Dir = e.root
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// allowPlainHTTP is what the README says about a Studio in the cluster.
const allowPlainHTTP = `patches:
- target: {kind: Deployment}
  patch: |-
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--allowed-hosts=*,http://studio.e2e-plain.svc"}`

const withoutCRDs = `patches:
- target: {kind: CustomResourceDefinition}
  patch: |-
    $patch: delete
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: {name: any}`

// everything is the largest of the kustomizations.
const everything = "config/ha"

// operator makes sure that the operator is installed this way, and is ready within a minute. What is there is changed into it,
// as an upgrade would.
func (e *suite) operator(v variant) {
	e.t.Helper()
	now, err := e.installed(e.t.Context())
	e.g.Expect(err).NotTo(HaveOccurred())
	if now != string(v) {
		e.install(v)
	}
	e.rolledOut()
}

// reinstall is operator for tests of the installation itself.
func (e *suite) reinstall(v variant) {
	e.t.Helper()
	e.uninstall()
	e.operator(v)
}

func (e *suite) installedNow(what string) {
	e.t.Helper()
	e.k("annotate", "--overwrite", "namespace", systemNamespace, variantAnnotation+"="+what)
}

func (e *suite) rolledOut() {
	e.t.Helper()
	e.k("-n", systemNamespace, "rollout", "status", "deployment/"+deployment, "--timeout=60s")
}

// installed says what the suite installed; it fails where somebody else's operator is.
func (e *suite) installed(ctx context.Context) (string, error) {
	out, err := e.run(ctx, "", "get", "namespace", systemNamespace, "--ignore-not-found", "-o", "name")
	if err != nil || out == "" {
		return "", err
	}
	out, err = e.run(ctx, "", "get", "namespace", systemNamespace, "-o", `jsonpath={.metadata.annotations.e2e\.livepeer\.org/installed}`)
	if err == nil && out == "" {
		return "", errNotOurs
	}
	return out, err
}

func (e *suite) uninstall() {
	e.t.Helper()
	_, err := e.installed(e.t.Context())
	e.g.Expect(err).NotTo(HaveOccurred())
	e.k("delete", "--ignore-not-found", "--timeout=90s", "-k", everything)
}

// folder returns a kustomization of the repository: as it is where it names the image under test, else with that.
func (e *suite) folder(folder string) string {
	e.t.Helper()
	if e.manifestImage() == e.image {
		return folder
	}
	return e.overlay(folder, "")
}

// overlay writes a kustomization of a user's own, and returns its folder.
func (e *suite) overlay(folder, more string) string {
	e.t.Helper()
	return e.overlayOf(filepath.Join(e.root, folder), e.image, more)
}

// overlayOf does so for any folder and image.
func (e *suite) overlayOf(folder, image, more string) string {
	e.t.Helper()
	below, err := filepath.Rel(e.dir, folder)
	e.g.Expect(err).NotTo(HaveOccurred())
	name, _, _ := strings.Cut(e.manifestImage(), ":v")
	colon := strings.LastIndex(image, ":")
	text := "resources: [" + below + "]\n" +
		"images: [{name: " + name + ", newName: " + image[:colon] + ", newTag: " + image[colon+1:] + "}]\n" + more + "\n"
	e.g.Expect(os.WriteFile(filepath.Join(e.dir, "kustomization.yaml"), []byte(text), 0o600)).To(Succeed())
	return e.dir
}

// manifestImage is the image that config/default names.
func (e *suite) manifestImage() string {
	e.t.Helper()
	found := regexp.MustCompile(`\n +image: (\S+)`).FindStringSubmatch(e.k("kustomize", "config/default"))
	e.g.Expect(found).NotTo(BeNil(), "config/default names no image")
	return found[1]
}

// installer makes dist/install.yaml.
func (e *suite) installer() string {
	e.t.Helper()
	cmd := exec.CommandContext(e.t.Context(), "make", "build-installer", "IMG="+e.image, "KUBECTL="+e.kubectl)
	cmd.Dir = e.root
	out, err := cmd.CombinedOutput()
	e.g.Expect(err).NotTo(HaveOccurred(), string(out))
	return filepath.Join(e.root, "dist", "install.yaml")
}
