// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
)

// veleroCluster has Velero as its own command line installs it, with the rights of its own ServiceAccount.
type veleroCluster struct {
	gitopsCluster
	binary     string
	plugins    string // folder: it runs whatever is there
	kubeconfig string // of that ServiceAccount
	stop       func() string
}

// startS3 runs an S3 in memory with a bucket called backups, and returns its URL.
func startS3(t *testing.T) string {
	t.Helper()
	address := "127.0.0.1:" + freePort(t)
	startTool(t, tool(t, "gofakes3"), "-host="+address, "-backend=memory", "-initialbucket=backups", "-quiet")
	return "http://" + address
}

// newVeleroCluster is a cluster without the operator, with Velero that keeps its backups in an S3.
func newVeleroCluster(t *testing.T, s3 string) *veleroCluster {
	t.Helper()
	binary, plugin := tool(t, "velero"), tool(t, "velero-plugin-for-aws")
	v := &veleroCluster{
		gitopsCluster: newGitopsCluster(t), binary: binary, plugins: t.TempDir(), kubeconfig: filepath.Join(t.TempDir(), "kubeconfig"),
	}
	v.Expect(os.Symlink(plugin, filepath.Join(v.plugins, filepath.Base(plugin)))).To(Succeed())
	credentials := filepath.Join(t.TempDir(), "credentials")
	v.Expect(os.WriteFile(credentials, []byte("[default]\naws_access_key_id=test\naws_secret_access_key=test\n"), 0o600)).To(Succeed())
	v.Expect(controlplane.WriteKubeconfig(v.kubeconfig, v.plane.Config(), "velero")).To(Succeed())
	v.install(s3, credentials)
	account, err := v.plane.ServiceAccountConfig(t.Context(), "velero", "velero")
	v.Expect(err).NotTo(HaveOccurred())
	v.Expect(controlplane.WriteKubeconfig(v.kubeconfig, account, "velero")).To(Succeed())
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", credentials) // as in its pod
	t.Setenv("TMPDIR", t.TempDir())
	v.start()
	return v
}

// start runs Velero's server until the end of the test.
func (v *veleroCluster) start() {
	v.t.Helper()
	v.stop = startTool(v.t, v.binary, "server", "--kubeconfig="+v.kubeconfig, "--namespace=velero", "--plugin-dir="+v.plugins,
		"--backup-sync-period=1s", "--metrics-address=127.0.0.1:"+freePort(v.t), "--profiler-address=")
	v.Eventually(v.phase, gitopsBound).WithArguments("BackupStorageLocation", "default").Should(Equal("Available"))
}

// restart has Velero look at what kinds there are, and at what is in S3: else it does so after minutes.
func (v *veleroCluster) restart() {
	v.t.Helper()
	v.stop()
	v.start()
}

// in is the same cluster for a part of the test.
func (v *veleroCluster) in(t *testing.T) *veleroCluster {
	t.Helper()
	part := *v
	part.t, part.Gomega = t, NewWithT(t)
	return &part
}

// install applies what velero install does. Nothing here runs the pod, but Velero reads its Deployment.
func (v *veleroCluster) install(s3, credentials string) {
	v.t.Helper()
	manifests := v.run("install", "--dry-run", "--output=yaml", "--provider=aws", "--plugins=velero/velero-plugin-for-aws", "--bucket=backups",
		"--secret-file="+credentials, "--use-volume-snapshots=false", "--backup-location-config=region=us-east-1,s3ForcePathStyle=true,s3Url="+s3)
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifests), 4096); ; {
		list := &unstructured.Unstructured{}
		if err := decoder.Decode(list); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			v.t.Fatal(err)
		}
		v.Expect(list.EachListItem(func(o runtime.Object) error {
			object := o.(*unstructured.Unstructured)
			v.Eventually(v.plane.Apply, gitopsBound).WithArguments(v.t.Context(), object).Should(Succeed(), object.GetName())
			return nil
		})).To(Succeed())
	}
}

// run runs Velero's command line, and returns what it prints.
func (v *veleroCluster) run(args ...string) string {
	v.t.Helper()
	out, err := exec.CommandContext(v.t.Context(), v.binary, append(args, "--kubeconfig="+v.kubeconfig, "--namespace=velero")...).CombinedOutput()
	v.Expect(err).NotTo(HaveOccurred(), string(out))
	return string(out)
}

// object returns one of Velero's objects, empty if it is not there.
func (v *veleroCluster) object(kind, name string) *unstructured.Unstructured {
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(schema.GroupVersionKind{Group: "velero.io", Version: "v1", Kind: kind})
	v.Expect(client.IgnoreNotFound(v.Get(v.t.Context(), client.ObjectKey{Namespace: "velero", Name: name}, stored))).To(Succeed())
	return stored
}

// contents are the names of what is in a backup, by kind. Events, whose number varies, are left out.
func (v *veleroCluster) contents(backup string) map[string][]string {
	v.t.Helper()
	var described struct {
		Status struct{ ResourceList map[string][]string }
	}
	v.Expect(json.Unmarshal([]byte(v.run("backup", "describe", backup, "--details", "--output=json")), &described)).To(Succeed())
	delete(described.Status.ResourceList, "v1/Event")
	return described.Status.ResourceList
}

// phase is that of one of Velero's objects.
func (v *veleroCluster) phase(kind, name string) string {
	phase, _, err := unstructured.NestedString(v.object(kind, name).Object, "status", "phase")
	v.Expect(err).NotTo(HaveOccurred())
	return phase
}

// outcome is how a Restore ended, and with how many errors and warnings; empty while it goes on.
func (v *veleroCluster) outcome(name string) string {
	status, _, err := unstructured.NestedMap(v.object("Restore", name).Object, "status")
	v.Expect(err).NotTo(HaveOccurred())
	if status["completionTimestamp"] == nil && status["validationErrors"] == nil {
		return ""
	}
	count := func(field string) any {
		if n := status[field]; n != nil {
			return n
		}
		return 0
	}
	return fmt.Sprintf("%v, %v errors, %v warnings", status["phase"], count("errors"), count("warnings"))
}

// restore applies the Restore of the page for a backup, without some of its fields, and returns the outcome.
func (v *veleroCluster) restore(name, backup string, without ...string) string {
	v.t.Helper()
	restore := lastOf(v.t, "velero.md", "Restore")
	restore.SetName(name)
	v.Expect(unstructured.SetNestedField(restore.Object, backup, "spec", "backupName")).To(Succeed())
	for _, field := range without {
		unstructured.RemoveNestedField(restore.Object, "spec", field)
	}
	v.Expect(v.plane.Apply(v.t.Context(), restore)).To(Succeed())
	v.Eventually(v.outcome, gitopsBound).WithArguments(name).ShouldNot(BeEmpty())
	return v.outcome(name)
}
