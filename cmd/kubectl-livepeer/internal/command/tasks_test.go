// SPDX-License-Identifier: Apache-2.0

package command

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func fails(message string) func(*v1alpha1.LivepeerTask) {
	return func(t *v1alpha1.LivepeerTask) { t.Status.ErrorMessage = message }
}

func madeOf(in, out string) func(*v1alpha1.LivepeerTask) {
	return func(t *v1alpha1.LivepeerTask) { t.Spec.InputAssetID, t.Spec.OutputAssetID = in, out }
}

func created(ago time.Duration) func(*v1alpha1.LivepeerTask) {
	return func(t *v1alpha1.LivepeerTask) { t.Status.CreatedAt = new(metav1.NewMicroTime(time.Now().Add(-ago))) }
}

func plays(name, url string) func(*v1alpha1.LivepeerTask) {
	return func(t *v1alpha1.LivepeerTask) {
		t.Status.Output = &v1alpha1.TaskOutput{Upload: &v1alpha1.AssetOutput{AssetSpec: &v1alpha1.AssetSpec{Name: name, PlaybackURL: url}}}
	}
}

const playback = "https://cdn.example.com/hls/27d2c5368ce097ae/index.m3u8"

func TestList(t *testing.T) {
	w := newWorld(t)
	w.Expect(w.ends(w.start([]string{"list"}), 0).err.String()).To(ContainSubstring("doctor"))
	w.task("done", "upload", "completed", created(5*time.Hour), plays("holiday.mp4", playback))
	w.task("works", "clip", "running", created(2*time.Minute), func(t *v1alpha1.LivepeerTask) { t.Status.Progress = new(int32(40)) })
	w.task("broken", "upload", "failed", created(time.Hour), fails("no \x1b[31mdisk"), func(t *v1alpha1.LivepeerTask) { t.Labels[v1alpha1.LabelSource] = "b" })
	w.Expect(w.runs(0, "list")).To(Equal(strings.Join([]string{
		"TASK    TYPE    PHASE      DONE  ASSET        MESSAGE  AGE",
		"broken  upload  failed                        no disk  60m",
		"works   clip    running    40%                         2m",
		"done    upload  completed        holiday.mp4           5h", "",
	}, "\n")))
	w.Expect(w.runs(0, "list", "--failed", "-o", "name")).To(Equal("livepeertask.studio.livepeer.org/broken\n"))
	w.Expect(w.runs(0, "list", "--type", "clip", "-o", "name")).To(Equal("livepeertask.studio.livepeer.org/works\n"))
	w.Expect(w.runs(0, "list", "--asset", "holiday.mp4", "-o", "name")).To(Equal("livepeertask.studio.livepeer.org/done\n"))
	w.Expect(w.runs(0, "list", "--source", "b", "-o", "name")).To(Equal("livepeertask.studio.livepeer.org/broken\n"))
	w.Expect(w.runs(0, "list", "-A")).To(MatchRegexp(w.namespace + ` +broken`))
	elsewhere := newWorld(t)
	elsewhere.task("far", "clip", "running")
	w.Expect(w.runs(0, "list", "-A")).To(MatchRegexp(elsewhere.namespace + ` +far`))
	w.Expect(w.ends(w.start([]string{"list", "-A", "--type", "nosuch"}), 0).err.String()).To(HavePrefix("No such tasks in this cluster"))
	for _, format := range []string{"json", "yaml"} {
		w.Expect(w.runs(0, "list", "-o", format)).To(And(
			ContainSubstring("LivepeerTaskList"), ContainSubstring("holiday.mp4"), MatchRegexp(`(?m)kind"?: "?LivepeerTask"?,?$`)))
	}
	w.Expect(w.runs(0, "list", "-o", `jsonpath={.items[*].metadata.name}`)).To(Equal("broken works done"))
	for _, command := range []string{"list", "watch"} {
		for _, flag := range []string{"--asset", "--type", "--source"} { // as of a script whose variable was not set
			w.Expect(w.runs(1, command, flag, "")).To(Equal("error: " + flag + " is empty; leave it out for all\n"))
		}
		w.Expect(w.runs(1, command, "--source", "a,b")).To(Equal("error: no source can be called \"a,b\"\n"))
	}
	w.t.Setenv("COLUMNS", "30")
	for line := range strings.Lines(w.runs(0, "list")) {
		w.Expect(len([]rune(strings.TrimRight(line, "\n")))).To(BeNumerically("<=", 30), line)
	}
}

func TestShowAndURL(t *testing.T) {
	w := newWorld(t)
	w.task("done", "upload", "completed", created(time.Hour), madeOf("", "asset-1"), plays("holiday.mp4", playback))
	w.task("broken", "export", "failed", created(time.Minute), madeOf("asset-1", ""), fails("no disk"))
	w.Expect(w.runs(0, "show", "DONE")).To(And(
		HavePrefix("upload done\n"), MatchRegexp(`Asset +holiday.mp4`), MatchRegexp(`Playback URL +`+playback), MatchRegexp(`Phase +completed`)))
	w.Expect(w.runs(0, "show", "asset-1")).To(And(HavePrefix("export broken\n"), MatchRegexp(`Error +no disk`)))
	w.Expect(w.runs(0, "url", "done")).To(Equal(playback + "\n"))
	w.Expect(w.runs(0, "url", "asset-1")).To(Equal(playback + "\n"))
	w.Expect(w.runs(0, "url", "holiday.mp4")).To(Equal(playback+"\n"), "as list names it")
	w.task("signed", "upload", "completed", plays("", playback+"?token=[redacted]"))
	masked := w.ends(w.start([]string{"url", "signed"}), 0)
	w.Expect(masked.out.String()).To(Equal(playback + "?token=[redacted]\n"))
	w.Expect(masked.err.String()).To(ContainSubstring("is masked"))
	w.Expect(w.ends(w.start([]string{"url", "done"}), 0).err.String()).To(BeEmpty())
	w.Expect(w.runs(1, "url", "broken")).To(HavePrefix("error: no URL: export broken failed: no disk; kubectl livepeer show broken says"))
	w.task("urlless", "upload", "completed", madeOf("", "asset-7"))
	w.Expect(w.runs(1, "url", "asset-7")).To(Equal(
		"error: no URL: upload urlless completed, but Studio names none in the task; look there for its asset asset-7\n"))
	w.task("gated", "upload", "completed", plays("", playback), func(t *v1alpha1.LivepeerTask) {
		t.Status.Output.Upload.AssetSpec.PlaybackPolicy = &v1alpha1.PlaybackPolicy{Type: "jwt"}
	})
	gated := w.ends(w.start([]string{"url", "gated"}), 0)
	w.Expect(gated.out.String()).To(Equal(playback + "\n"))
	w.Expect(gated.err.String()).To(ContainSubstring("policy is jwt: a player needs a signed token"))
	w.task("works", "upload", "running")
	w.Expect(w.runs(1, "url", "works")).To(ContainSubstring("kubectl livepeer wait works waits for it"))
	w.task("stored", "upload", "completed", plays("", "s3+https://***:***@host/bucket"))
	w.Expect(w.ends(w.start([]string{"url", "stored"}), 0).err.String()).To(ContainSubstring("is masked"))
	w.task("1aaaaaaa-0000-3", "upload", "completed", plays("", playback))
	w.Expect(w.runs(0, "show", "1AAAAAAA…")).To(HavePrefix("upload 1aaaaaaa-0000-3\n"))
	w.Expect(w.runs(0, "url", "1aaaaaaa")).To(Equal(playback + "\n"))
	for _, command := range []string{"show", "url"} {
		w.Expect(w.runs(1, command, "done", "broken")).To(ContainSubstring("needs one argument"))
		w.Expect(w.runs(1, command, "nope")).To(ContainSubstring("no task or asset"))
		w.Expect(w.runs(1, command, "")).To(ContainSubstring("needs one argument"))
	}
}

func TestWait(t *testing.T) {
	w := newWorld(t)
	w.task("done", "upload", "completed", plays("holiday.mp4", playback))
	w.task("broken", "export", "failed", fails("no disk"))
	w.task("stopped", "export", "cancelled")
	works := w.task("works", "clip", "running", madeOf("asset-1", "asset-2"))

	w.Expect(w.runs(0, "wait", "Done")).To(Equal("upload holiday.mp4 (done) completed\n"))
	w.Expect(w.runs(0, "wait", "done", "--timeout", "0")).To(ContainSubstring("completed"), "waits for ever")
	w.Expect(w.runs(1, "wait", "broken")).To(Equal("error: export broken failed: no disk\n"))
	w.Expect(w.runs(1, "wait", "stopped")).To(ContainSubstring("was cancelled"))
	w.Expect(w.runs(2, "wait", "works", "--timeout", "500ms")).To(ContainSubstring("clip works is running after 500ms"))
	w.task("again", "clip", "waiting", fails("no disk"))
	w.Expect(w.runs(2, "wait", "again", "--timeout", "2s")).To(ContainSubstring("clip again is waiting after 2s, and its last attempt failed: no disk; wait"))
	w.Expect(w.runs(2, "wait", "asset-9", "--timeout", "500ms")).To(ContainSubstring("no task or asset \"asset-9\" within 500ms"))

	for _, command := range [][]string{{"wait", "works"}, {"sync"}} {
		w.Expect(w.runs(1, append(command, "--timeout", "-1s")...)).To(Equal("error: --timeout must not be negative; 0 waits for ever\n"))
	}

	waits := w.start([]string{"wait", "asset-1"})
	w.becomes(works, "running", 50)
	w.Consistently(waits.done, 300*time.Millisecond).ShouldNot(BeClosed())
	w.becomes(works, "completed", 100)
	w.ends(waits, 0)
}

func TestWaitForWhatIsNotThereYet(t *testing.T) {
	w := newWorld(t)
	waits := w.start([]string{"wait", "asset-1"})
	w.Eventually(waits.err.String, soon).Should(ContainSubstring("waiting for it"))
	task := w.task("late", "upload", "pending", madeOf("", "asset-1"))
	w.Consistently(waits.done, 300*time.Millisecond).ShouldNot(BeClosed())
	task.Status.ErrorMessage = "no disk"
	w.becomes(task, "failed", 10)
	w.Expect(w.ends(waits, 1).err.String()).To(HaveSuffix("error: upload late failed: no disk\n"))

	waits = w.start([]string{"wait", "1AAAAAAA-0"})
	w.Eventually(waits.err.String, soon).Should(ContainSubstring("waiting for it"))
	w.task("1aaaaaaa-0000-3", "upload", "completed")
	w.ends(waits, 0)

	waits = w.start([]string{"wait", "holiday.mp4"})
	w.Eventually(waits.err.String, soon).Should(ContainSubstring("waiting for it"))
	w.task("by-name", "upload", "completed", plays("holiday.mp4", playback))
	w.ends(waits, 0)

	gone := w.task("goes", "upload", "running")
	waits = w.start([]string{"wait", "goes", "--timeout", "1m"})
	w.Consistently(waits.done, 300*time.Millisecond).ShouldNot(BeClosed())
	w.Expect(admin.Delete(t.Context(), gone)).To(Succeed())
	w.Consistently(waits.done, 300*time.Millisecond).ShouldNot(BeClosed())
	gone = w.task("goes", "upload", "running") // as the operator puts it back
	w.Consistently(waits.done, comesBack+time.Second).ShouldNot(BeClosed())
	w.Expect(admin.Delete(t.Context(), gone)).To(Succeed())
	w.Expect(w.ends(waits, 1).err.String()).To(ContainSubstring("upload goes is gone"))

	interrupted := w.start([]string{"wait", "never"})
	w.Eventually(interrupted.err.String, soon).Should(ContainSubstring("waiting for it"))
	interrupted.stop()
	w.ends(interrupted, exitInterrupted)
}

// TestWhatMayBeOldSaysSo: a task does not move while its source is suspended or refused, and waiting for it may be in vain.
func TestWhatMayBeOldSaysSo(t *testing.T) {
	w := newWorld(t)
	says := func(code int, want string, args ...string) {
		p := w.start(args)
		w.Eventually(p.err.String, soon).Should(MatchRegexp(want))
		p.stop()
		w.ends(p, code)
	}
	says(exitInterrupted, "warn  sources: none in "+w.namespace+"; make one", "wait", "asset-9")
	w.task("works", "clip", "running")
	w.source("main", is("False", "Suspended", "spec.suspend is set"))
	w.source("other", is("False", "Unauthorized", "the API answered 401"))
	const suspended, refused = "warn  source main: Suspended: spec.suspend is set; kubectl livepeer resume main lets it go on\n",
		"fail  source other: Unauthorized: the API answered 401; docs/runbook.md says what to do about Unauthorized\n"
	says(exitInterrupted, "^"+suspended+"$", "wait", "works")
	says(exitInterrupted, "waiting for it ...\n"+suspended+refused, "wait", "asset-9")
	says(0, "^"+suspended+refused+"$", "list")
	says(0, `^warn  sources: no source "mian" in the namespace `+w.namespace+"; there are: main, other\nNo such", "list", "--source", "mian")
	says(0, "^"+suspended+"$", "show", "works")
	says(0, "^"+refused+"No such tasks in the namespace \\S+; leave out a flag to see more.\n$", "watch", "--source", "other")
	says(0, "^No such tasks in this cluster; leave out a flag to see more.\n$", "watch", "-A", "--source", "nosuch")
}

func TestWatchPrintsALineForEachChange(t *testing.T) {
	w := newWorld(t)
	w.task("ended", "upload", "completed")
	works := w.task("works", "clip", "running")
	watch := w.start([]string{"watch", "--type", "clip"})
	line := func(rest string) { w.Eventually(watch.out.String, soon).Should(MatchRegexp(`(?m)^\S+Z ` + rest + `$`)) }
	line("works clip running -")
	w.becomes(works, "running", 50)
	line("works clip running 50%")
	w.task("other", "export", "running")
	w.task("fresh", "clip", "completed")
	line("fresh clip completed -")
	w.becomes(works, "completed", 100)
	line("works clip completed 100%")
	w.Expect(admin.Delete(t.Context(), works)).To(Succeed())
	line("works clip gone - was completed")
	watch.stop()
	w.ends(watch, 0)
	w.Expect(watch.out.String()).NotTo(MatchRegexp("ended|other"))

	w.task("of-asset", "export", "running", madeOf("asset-1", ""))
	w.task("last", "export", "running", madeOf("asset-1", ""))
	watch = w.start([]string{"watch", "--asset", "asset-1"})
	line("last export running -")
	line("of-asset export running -")
	watch.stop()
	w.ends(watch, 0)
	w.Expect(watch.out.String()).NotTo(ContainSubstring("other"))
	w.Expect(watch.out.String()).NotTo(ContainSubstring("\x1b"))
}

func TestForbidden(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{{"list"}, {"watch"}, {"wait", "x"}, {"show", "x"}, {"sync"}} {
		w.Expect(w.runs(1, append(args, "--as", "nobody")...)).To(ContainSubstring("ask for the role view"))
	}
	w.Expect(w.runs(1, "list", "--server", "https://127.0.0.1:1")).To(ContainSubstring("can't be reached"))
	w.Expect(w.runs(1, "list", "--context", "nope")).To(ContainSubstring(`context "nope" does not exist; kubectl config get-contexts shows`))
	w.Expect(w.runs(1, "list", "--user", "nope")).To(ContainSubstring(`auth info "nope" does not exist; kubectl config get-users shows`))
	w.Expect(w.runs(1, "list", "--kubeconfig", "/nowhere/at-all")).To(ContainSubstring("no such file or directory; name another file with --kubeconfig"))
	w.Expect(w.runs(1, "bogus")).To(ContainSubstring(`unknown command "bogus"`))
	w.Expect(w.runs(0, "version")).To(Equal("kubectl-livepeer v1.2.3, for studio.livepeer.org/v1alpha1\n"))
}

func TestCompletion(t *testing.T) {
	w := newWorld(t)
	w.task("done", "upload", "completed", plays("holiday.mp4", playback))
	w.task("drowned", "upload", "failed")
	w.source("main", is("True", "Synced", ""))
	w.Expect(w.runs(0, "__complete", "show", "d")).To(HavePrefix("drowned\tupload failed\ndone\tupload completed holiday.mp4\n"))
	w.Expect(w.runs(0, "__complete", "wait", "DO")).To(HavePrefix("done\t"))
	w.Expect(w.runs(0, "__complete", "sync", "")).To(HavePrefix("main\n"))
	w.Expect(w.runs(0, "__complete", "sync", "x")).NotTo(ContainSubstring("main"))
	w.Expect(w.runs(0, "__complete", "sync", "main", "")).NotTo(ContainSubstring("main"))
	w.Expect(w.runs(0, "__complete", "list", "--source", "")).To(HavePrefix("main\n"))
	w.Expect(w.runs(0, "__complete", "list", "--type", "")).To(HavePrefix("upload\n"))
	w.Expect(w.runs(0, "__complete", "show", "done", "")).NotTo(ContainSubstring("drowned"))
	w.Expect(w.runs(0, "completion", "bash")).To(ContainSubstring("kubectl-livepeer"))
}
