// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// The ServiceAccount of the page may read the URL that the page gives, and what is there has the value at the path.
func TestKEDAReadsACount(t *testing.T) {
	g := NewWithT(t)
	account := newScalerAccount(t)
	metadata := triggerOf(t, lastOf(t, "keda.md", "ScaledObject"))
	at, err := url.Parse(metadata["url"].(string))
	g.Expect(err).NotTo(HaveOccurred())
	clientset, err := kubernetes.NewForConfig(account)
	g.Expect(err).NotTo(HaveOccurred())
	raw, err := clientset.RESTClient().Get().AbsPath(at.Path).DoRaw(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	found := &unstructured.Unstructured{}
	g.Expect(found.UnmarshalJSON(raw)).To(Succeed())
	value, _, err := unstructured.NestedInt64(found.Object, strings.Split(metadata["valueLocation"].(string), ".")...)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(value).To(BeEquivalentTo(7))
}

// KEDA's own scaler, with the trigger of the page and a token of the page's ServiceAccount, reads the source's count. Of the trigger
// one thing alone is changed: the host in the URL, which is a name in a cluster's own network. Errors are what the page says.
func TestKEDAScales(t *testing.T) {
	binary := tool(t, "keda")
	g := NewWithT(t)
	account := newScalerAccount(t)
	scaled := lastOf(t, "keda.md", "ScaledObject")
	metadata := triggerOf(t, scaled)
	at, err := url.Parse(metadata["url"].(string))
	g.Expect(err).NotTo(HaveOccurred())
	api, err := url.Parse(cluster.Config().Host)
	g.Expect(err).NotTo(HaveOccurred())
	at.Host = api.Host
	metadata["url"] = at.String()

	metric := "s0-metric-api-status-tasks-running value=7 target=10 active=true"
	g.Expect(runScaler(t, binary, scaled, account.BearerToken)).To(Equal(metric))
	g.Expect(runScaler(t, binary, scaled, "wrong")).To(Equal("error requesting metrics endpoint: " + at.Path + ": api returned 401"))
	newSourceWithoutStatus(t, newClient(t), "elsewhere")
	metadata["url"] = strings.Replace(at.String(), "/media/", "/elsewhere/", 1)
	g.Expect(runScaler(t, binary, scaled, account.BearerToken)).To(HaveSuffix("api returned 403"), "a role of its own namespace")
	metadata["url"] = at.String() + "-not"
	g.Expect(runScaler(t, binary, scaled, account.BearerToken)).To(HaveSuffix("/main-not: api returned 404"))
}

// newScalerAccount stores a source with 7 running tasks, and what the page gives its ServiceAccount.
func newScalerAccount(t *testing.T) *rest.Config {
	t.Helper()
	g := NewWithT(t)
	c := newClient(t)
	applyPage(t, "keda.md", "ScaledObject", "TriggerAuthentication", "Secret")
	source := newSource(t, c, "media")
	source.Status.Tasks.Running = 7
	g.Expect(c.Status().Update(t.Context(), source)).To(Succeed())
	account, err := cluster.ServiceAccountConfig(t.Context(), "media", "livepeer-scaler")
	g.Expect(err).NotTo(HaveOccurred())
	return account
}

// triggerOf is the metadata of a ScaledObject's only trigger: changing it changes the object.
func triggerOf(t *testing.T, scaled *unstructured.Unstructured) map[string]any {
	t.Helper()
	triggers, _, err := unstructured.NestedFieldNoCopy(scaled.Object, "spec", "triggers")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(triggers).To(HaveLen(1))
	return triggers.([]any)[0].(map[string]any)["metadata"].(map[string]any)
}

// lastOf is the last object of a kind on a page.
func lastOf(t *testing.T, page, kind string) (found *unstructured.Unstructured) {
	t.Helper()
	for _, object := range pages(t)[page] {
		if object.GetKind() == kind {
			found = object
		}
	}
	NewWithT(t).Expect(found).NotTo(BeNil(), "%s has no %s", page, kind)
	return found
}

// runScaler returns what the scaler says, of a value or of an error. Its token is called as the page's TriggerAuthentication calls it.
func runScaler(t *testing.T, binary string, scaled *unstructured.Unstructured, token string) string {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	raw, err := yaml.Marshal(scaled.Object)
	g.Expect(err).NotTo(HaveOccurred())
	path, authorities := filepath.Join(dir, "scaled.yaml"), filepath.Join(dir, "ca")
	g.Expect(os.WriteFile(path, raw, 0o600)).To(Succeed())
	g.Expect(os.Mkdir(authorities, 0o700)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(authorities, "ca.crt"), cluster.Config().CAData, 0o600)).To(Succeed())
	secrets, _, err := unstructured.NestedSlice(lastOf(t, "keda.md", "TriggerAuthentication").Object, "spec", "secretTargetRef")
	g.Expect(err).NotTo(HaveOccurred())
	params, err := json.Marshal(map[string]string{secrets[0].(map[string]any)["parameter"].(string): token})
	g.Expect(err).NotTo(HaveOccurred())
	cmd := exec.CommandContext(t.Context(), binary, path, authorities)
	cmd.Stdin = strings.NewReader(string(params))
	said, _ := cmd.CombinedOutput() // an error says why
	return strings.TrimSpace(string(said))
}
