// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"

	. "github.com/onsi/gomega"
)

// startSourceController runs Flux's source-controller.
func (f *fluxCluster) startSourceController() {
	f.t.Helper()
	storage, address := f.t.TempDir(), "127.0.0.1:"+freePort(f.t)
	startTool(f.t, tool(f.t, "source-controller"), "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:"+freePort(f.t),
		"--storage-path="+storage, "--storage-addr="+address, "--storage-adv-addr="+address)
}

// serveRepository serves a git repository that has the chart, at the tag of the page, and returns its URL.
func (f *fluxCluster) serveRepository() string {
	f.t.Helper()
	root := f.t.TempDir()
	work := filepath.Join(root, operatorName)
	f.Expect(os.CopyFS(filepath.Join(work, "charts"), os.DirFS("../../charts"))).To(Succeed())
	f.git(work, "init", "--quiet", "--initial-branch=main")
	f.git(work, "add", "--all")
	f.git(work, "commit", "--quiet", "--message=Release")
	f.git(work, "tag", "v0.1.0")
	server := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(f.git(work, "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"},
	})
	f.t.Cleanup(server.Close)
	return server.URL + "/" + operatorName
}
