// SPDX-License-Identifier: Apache-2.0

package testbed_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

func TestStopAsksTheOperatorToEnd(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	log, binary := filepath.Join(dir, "log"), filepath.Join(dir, "operator")
	script := "#!/bin/sh\ntrap 'echo asked; exit 0' TERM; echo \"$X $@\"; while :; do sleep 0.1; done\n"
	g.Expect(os.WriteFile(binary, []byte(script), 0o700)).To(Succeed())
	operator, err := testbed.StartOperator(t.Context(), testbed.OperatorOptions{
		Binary: binary, Kubeconfig: "/the/kubeconfig", Log: log, LeaderElect: true, Receiver: "127.0.0.1:9", Env: []string{"X=y"},
	})
	g.Expect(err).NotTo(HaveOccurred())
	printed := func() string {
		text, _ := os.ReadFile(log) // there once it has printed
		return string(text)
	}
	g.Eventually(printed).WithTimeout(time.Minute).Should(Equal("y --kubeconfig=/the/kubeconfig --leader-elect=true " +
		"--metrics-bind-address=0 --health-probe-bind-address=0 --receiver-bind-address=127.0.0.1:9\n"))

	operator.Stop()

	g.Expect(printed()).To(HaveSuffix("\nasked\n"))
	g.Expect(operator.Ended()).To(BeClosed())
	g.Expect(operator.Err()).To(HaveOccurred())
}
