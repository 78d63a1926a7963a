// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

const (
	first  = "https://cdn.example.com/hls/first/index.m3u8"
	second = "https://cdn.example.com/hls/second/index.m3u8"
)

func asset(url string) *v1alpha1.AssetOutput {
	return &v1alpha1.AssetOutput{AssetSpec: &v1alpha1.AssetSpec{ID: "asset", PlaybackURL: url}}
}

func with(output *v1alpha1.TaskOutput) *v1alpha1.LivepeerTask {
	return &v1alpha1.LivepeerTask{Status: v1alpha1.LivepeerTaskStatus{Output: output}}
}

func TestPhases(t *testing.T) {
	for phase, want := range map[string]struct{ finished, succeeded bool }{
		"":                      {false, false},
		v1alpha1.PhasePending:   {false, false},
		v1alpha1.PhaseWaiting:   {false, false},
		v1alpha1.PhaseRunning:   {false, false},
		v1alpha1.PhaseCompleted: {true, true},
		v1alpha1.PhaseFailed:    {true, false},
		v1alpha1.PhaseCancelled: {true, false},
		"newer-than-this":       {false, false},
	} {
		t.Run(phase, func(t *testing.T) {
			g := NewWithT(t)
			task := &v1alpha1.LivepeerTask{Status: v1alpha1.LivepeerTaskStatus{Phase: phase}}
			g.Expect(task.IsFinished()).To(Equal(want.finished))
			g.Expect(task.Succeeded()).To(Equal(want.succeeded))
		})
	}
	t.Run("nil", func(t *testing.T) {
		g := NewWithT(t)
		var none *v1alpha1.LivepeerTask
		g.Expect(none.IsFinished()).To(BeFalse())
		g.Expect(none.Succeeded()).To(BeFalse())
	})
}

// The column is the reference: whatever it shows, the method returns.
func TestPlaybackURLIsWhatTheColumnShows(t *testing.T) {
	column := playbackColumn(t)
	for name, test := range map[string]struct {
		task    *v1alpha1.LivepeerTask
		want    string
		noAsset bool
	}{
		"nil":                      {task: nil, noAsset: true},
		"no output":                {task: with(nil), noAsset: true},
		"empty output":             {task: with(&v1alpha1.TaskOutput{}), noAsset: true},
		"upload without asset":     {task: with(&v1alpha1.TaskOutput{Upload: &v1alpha1.AssetOutput{}}), noAsset: true},
		"upload without URL":       {task: with(&v1alpha1.TaskOutput{Upload: asset("")})},
		"upload":                   {task: with(&v1alpha1.TaskOutput{Upload: asset(first)}), want: first},
		"clip":                     {task: with(&v1alpha1.TaskOutput{Clip: asset(first)}), want: first},
		"both":                     {task: with(&v1alpha1.TaskOutput{Upload: asset(first), Clip: asset(second)}), want: first},
		"both, URL of the clip":    {task: with(&v1alpha1.TaskOutput{Upload: asset(""), Clip: asset(second)}), want: second},
		"asset of the clip alone":  {task: with(&v1alpha1.TaskOutput{Upload: &v1alpha1.AssetOutput{}, Clip: asset(second)}), want: second},
		"old import":               {task: with(&v1alpha1.TaskOutput{Import: asset(first)}), want: first},
		"old transcode":            {task: with(&v1alpha1.TaskOutput{Transcode: &v1alpha1.TranscodeOutput{AssetOutput: *asset(first)}}), want: first},
		"output of another type":   {task: with(&v1alpha1.TaskOutput{Export: &v1alpha1.ExportOutput{}}), noAsset: true},
		"output of a transcoding":  {task: with(&v1alpha1.TaskOutput{TranscodeFile: &v1alpha1.TranscodeFileOutput{}}), noAsset: true},
		"output of a data storing": {task: with(&v1alpha1.TaskOutput{ExportData: &v1alpha1.ExportDataOutput{}}), noAsset: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(test.task.PlaybackURL()).To(Equal(test.want))
			g.Expect(test.task.OutputAsset() == nil).To(Equal(test.noAsset))
			if test.task != nil {
				g.Expect(shown(t, column, test.task)).To(Equal(test.want))
			}
		})
	}
}

// A column has one path, and this asset is a level deeper.
func TestPlaybackURLOfAnOldTranscode(t *testing.T) {
	g := NewWithT(t)
	task := with(&v1alpha1.TaskOutput{Transcode: &v1alpha1.TranscodeOutput{Asset: asset(first)}})
	g.Expect(task.PlaybackURL()).To(Equal(first))
	g.Expect(task.OutputAsset()).To(BeIdenticalTo(task.Status.Output.Transcode.Asset.AssetSpec))
	g.Expect(with(&v1alpha1.TaskOutput{Transcode: &v1alpha1.TranscodeOutput{}}).OutputAsset()).To(BeNil())
}

// TestErrorIsTheLastColumn: kubectl prints the tabs of an error as they are, which moves all that stands behind it.
func TestErrorIsTheLastColumn(t *testing.T) {
	g := NewWithT(t)
	all := columns(t)
	g.Expect(all[len(all)-1].JSONPath).To(Equal(".status.errorMessage"))
}

// column is one that kubectl shows.
type column struct{ Name, JSONPath string }

// columns are those of the generated CRD.
func columns(t *testing.T) []column {
	t.Helper()
	g := NewWithT(t)
	file, err := os.ReadFile("../../config/crd/bases/studio.livepeer.org_livepeertasks.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	crd := struct {
		Spec struct {
			Versions []struct {
				AdditionalPrinterColumns []column `json:"additionalPrinterColumns"`
			}
		}
	}{}
	g.Expect(yaml.Unmarshal(file, &crd)).To(Succeed())
	g.Expect(crd.Spec.Versions).NotTo(BeEmpty())
	return crd.Spec.Versions[0].AdditionalPrinterColumns
}

// playbackColumn returns the JSONPath of the column "Playback URL".
func playbackColumn(t *testing.T) string {
	t.Helper()
	for _, column := range columns(t) {
		if column.Name == "Playback URL" {
			return column.JSONPath
		}
	}
	t.Fatal("the CRD has no column Playback URL")
	return ""
}

// shown is the first result of the path, which is what the API server puts into a column of type string.
func shown(t *testing.T, path string, task *v1alpha1.LivepeerTask) string {
	t.Helper()
	g := NewWithT(t)
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(task)
	g.Expect(err).NotTo(HaveOccurred())
	column := jsonpath.New("column").AllowMissingKeys(true)
	g.Expect(column.Parse("{" + path + "}")).To(Succeed())
	results, err := column.FindResults(object)
	g.Expect(err).NotTo(HaveOccurred())
	if len(results) == 0 || len(results[0]) == 0 {
		return ""
	}
	return fmt.Sprint(results[0][0].Interface())
}

// Whoever imports the types must not pay with the operator's dependencies: what the package brings is apimachinery, and
// what that brings itself.
func TestTypesDependOnApimachineryAlone(t *testing.T) {
	g := NewWithT(t)
	out, err := exec.CommandContext(t.Context(), "go", "list", "-C", "../../api", "-f", `{{join .Imports "\n"}}`, "./v1alpha1").Output()
	g.Expect(err).NotTo(HaveOccurred())
	outside := regexp.MustCompile(`^[^/]+\.`)
	for _, imported := range strings.Fields(string(out)) {
		if outside.MatchString(imported) {
			g.Expect(imported).To(HavePrefix("k8s.io/apimachinery/"))
		}
	}

	out, err = exec.CommandContext(t.Context(), "go", "list", "-C", "../../api", "-deps", "./v1alpha1").Output()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(out)).To(ContainSubstring("k8s.io/apimachinery/pkg/apis/meta/v1\n"))
	for _, unwanted := range []string{"k8s.io/client-go", "k8s.io/api/", "sigs.k8s.io/controller-runtime", "livepeer-task-operator/internal"} {
		g.Expect(string(out)).NotTo(ContainSubstring(unwanted))
	}
}
