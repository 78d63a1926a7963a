// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/gomega"
)

const metricsURL = "https://" + deployment + "-metrics." + systemNamespace + ".svc:8443/metrics"

// Metrics are served over HTTPS through their Service to a pod whose ServiceAccount may read them, and to no other.
func testMetrics(e *suite) {
	const namespace = "e2e-metrics"
	e.namespace(namespace)
	e.mayReadMetrics(namespace, "may")
	e.k("-n", namespace, "create", "serviceaccount", "may-not")
	for account, want := range map[string]string{"may": "200 OK", "may-not": "403 Forbidden", "default": "401 Unauthorized"} {
		e.apply(strings.NewReplacer("ACCOUNT", account, "IMAGE", e.peers, "URL", metricsURL, "MOUNT", fmt.Sprint(account != "default")).
			Replace(getPod), "-n", namespace, "apply", "-f", "-")
		e.k("-n", namespace, "wait", "pod/"+account, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s")
		answer := e.k("-n", namespace, "logs", account)
		e.g.Expect(answer).To(HavePrefix(want), account)
		e.g.Expect(strings.Contains(answer, "controller_runtime_")).To(Equal(account == "may"), account)
	}
}

// getPod asks for a URL with the token of its ServiceAccount, or without one; again where nobody answers, as where names are not served yet.
const getPod = `
apiVersion: v1
kind: Pod
metadata: {name: ACCOUNT}
spec:
  serviceAccountName: ACCOUNT
  automountServiceAccountToken: MOUNT
  restartPolicy: OnFailure
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: get
    image: IMAGE
    imagePullPolicy: IfNotPresent
    command: [/helper, get, "URL"]
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// namespace makes one that enforces the restricted standard, and goes with the test.
func (e *suite) namespace(name string) {
	e.t.Helper()
	e.k("delete", "namespace", name, "--ignore-not-found", "--timeout=90s") // of a run that was broken off
	e.leave("delete", "namespace", name, "--ignore-not-found", "--wait=false")
	e.k("create", "namespace", name)
	e.k("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted", "e2e.livepeer.org/test=")
}

// leave runs kubectl when the test ends.
func (e *suite) leave(args ...string) {
	e.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		_, err := e.run(ctx, "", args...)
		NewWithT(e.t).Expect(err).NotTo(HaveOccurred())
	})
}

// mayReadMetrics makes a ServiceAccount and lets it read the metrics, as config/prometheus says.
func (e *suite) mayReadMetrics(namespace, account string) {
	e.t.Helper()
	e.k("-n", namespace, "create", "serviceaccount", account)
	e.leave("delete", "clusterrolebinding", namespace+"-metrics", "--ignore-not-found")
	e.k("delete", "clusterrolebinding", namespace+"-metrics", "--ignore-not-found")
	e.k("create", "clusterrolebinding", namespace+"-metrics",
		"--clusterrole=livepeer-task-operator-metrics-reader", "--serviceaccount="+namespace+":"+account)
}

// scraper returns a function that reads the metrics of a pod from here.
func (e *suite) scraper(pod string) func(context.Context) (string, error) {
	e.t.Helper()
	const namespace = "e2e-scraper"
	e.namespace(namespace)
	e.mayReadMetrics(namespace, "may")
	token := e.k("-n", namespace, "create", "token", "may")
	url := "https://127.0.0.1:" + e.forward(systemNamespace, "pod/"+pod, "8443") + "/metrics"
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	return func(ctx context.Context) (string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return "", err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("the metrics answer %s", res.Status)
		}
		return string(body), err
	}
}
