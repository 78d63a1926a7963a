// SPDX-License-Identifier: Apache-2.0

// Package backup_test restores what docs/backup.md says, and looks at what the operator makes of it.
package backup_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/controlplane"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

const (
	// soon bounds what takes seconds, on a machine that is busy.
	soon = 5 * time.Minute

	namespace = "media"
)

// cluster is a control plane with the operator's install.
type cluster struct {
	Gomega
	ctx      context.Context
	t        *testing.T
	bed      *testbed.Testbed
	binary   string
	admin    string // kubeconfig
	operator string // kubeconfig of the operator's own ServiceAccount
	requests int
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{Gomega: NewWithT(t), ctx: t.Context(), t: t}
	var err error
	c.binary, err = controlplane.ManagerFor(c.ctx, t.TempDir())
	c.Expect(err).NotTo(HaveOccurred())
	c.bed, err = testbed.Start(c.ctx, testbed.Options{Dir: t.TempDir()})
	c.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { c.Expect(c.bed.Stop()).To(Succeed()) })
	config, err := c.bed.OperatorConfig(c.ctx)
	c.Expect(err).NotTo(HaveOccurred())
	c.operator, err = c.bed.Kubeconfig("operator", config, controlplane.SystemNamespace)
	c.Expect(err).NotTo(HaveOccurred())
	c.admin, err = c.bed.Kubeconfig("admin", c.bed.Plane.Config(), "")
	c.Expect(err).NotTo(HaveOccurred())
	return c
}

// operate runs the operator until kill, by SIGKILL, so that it gives nothing back. As a kubelet does, it starts a new one where one ends
// by itself: on a busy machine, it may lose its lease.
func (c *cluster) operate() (kill func()) {
	c.t.Helper()
	log := filepath.Join(c.t.TempDir(), "operator.log")
	start := func() *testbed.Operator {
		operator, err := testbed.StartOperator(context.WithoutCancel(c.ctx), testbed.OperatorOptions{
			Binary: c.binary, Kubeconfig: c.operator, Log: log, LeaderElect: true,
			Env: []string{"POD_NAMESPACE=" + controlplane.SystemNamespace},
		})
		if err != nil {
			c.t.Error(err)
			return nil
		}
		return operator
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for operator := start(); operator != nil; operator = start() {
			select {
			case <-stop:
				_ = operator.Kill() // it may have ended just now
				<-operator.Ended()
				return
			case <-operator.Ended():
			}
		}
	}()
	running := true
	kill = func() {
		if running {
			running = false
			close(stop)
			<-stopped
			if text, err := os.ReadFile(log); err == nil && c.t.Failed() {
				c.t.Logf("%s", text[max(0, len(text)-5000):])
			}
		}
	}
	c.t.Cleanup(kill)
	return kill
}

// kubectl runs a command of docs/backup.md, and returns what it prints.
func (c *cluster) kubectl(command string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.ctx, c.bed.Plane.Kubectl(), strings.Fields(command)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.admin)
	out, err := cmd.CombinedOutput()
	c.Expect(err).NotTo(HaveOccurred(), "%s: %s", command, out)
	return string(out)
}

// save writes what a command prints into a file.
func (c *cluster) save(command string) (file string) {
	c.t.Helper()
	file = filepath.Join(c.t.TempDir(), "saved.yaml")
	c.Expect(os.WriteFile(file, []byte(c.kubectl(command)), 0o600)).To(Succeed())
	return file
}

// sync asks for a full sync, which finds deletions.
func (c *cluster) sync() {
	c.t.Helper()
	c.requests++
	c.Eventually(func() error { // the API server may have started just now
		return testbed.RequestSync(c.ctx, c.bed.Admin, namespace, strconv.Itoa(c.requests))
	}, soon, "100ms").Should(Succeed())
}

// tasks returns all that is mirrored, by the ID in Studio; each task once.
func (c *cluster) tasks(g Gomega) map[string]*v1alpha1.LivepeerTask {
	list := &v1alpha1.LivepeerTaskList{}
	g.Expect(c.bed.Admin.List(c.ctx, list)).To(Succeed())
	byID := map[string]*v1alpha1.LivepeerTask{}
	for i := range list.Items {
		task := &list.Items[i]
		g.Expect(byID).NotTo(HaveKey(task.Spec.ID), "two objects of one task")
		byID[task.Spec.ID] = task
	}
	return byID
}

// uids returns the UIDs of what is mirrored, by the ID in Studio.
func (c *cluster) uids(g Gomega) map[string]types.UID {
	uids := map[string]types.UID{}
	for id, task := range c.tasks(g) {
		uids[id] = task.UID
	}
	return uids
}
