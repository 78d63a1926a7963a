// SPDX-License-Identifier: Apache-2.0

package task

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/cmd/kubectl-livepeer/internal/term"
)

// notShown are the fields that show leaves to kubectl get -o yaml: what is of use to programs, or of hardly any. Every other one that a
// task can have makes a difference to what is shown.
var notShown = regexp.MustCompile(`^(` + strings.Join([]string{
	// How the work is done in detail, and what only its credentials would tell.
	`spec\.params\.\w+\.(encryption\.(key|encryptedKey)|c2pa|thumbnails|targetSegmentSizeSecs|catalystPipelineStrategy|sourceObjectStoreId)`,
	`.*\.(profile|profiles\[\])\.(width|quality|fps|fpsDen|gop|profile|encoder)`,
	`spec\.params\.export\.custom\.headers`,
	`.*\.ipfs\.(pinata\.\w+|nftMetadataTemplate|nftMetadata|\$ref|spec\.\w+|updatedAt)`,
	`spec\.params\.exportData\.content`,
	`.*\.creatorId\.type`,
	// What the task tells as well, or its asset has from elsewhere.
	`.*\.assetSpec\.(userId|projectId|createdAt|createdByTokenName|sourceAssetId|profiles\[\].*|source\..*|hash\[\].*)`,
	`.*\.assetSpec\.(status\.(updatedAt|progress)|storage\.status\.(progress|tasks\..*)|playbackPolicy\.(webhookId|webhookContext|refreshInterval))`,
	`.*\.videoSpec\.(bitrate|tracks\[\]\.(type|codec|startTime|duration|bitrate|pixelFormat|fps|channels|sampleRate|bitDepth))`,
	// The operator's own.
	`status\.(observedGeneration|notifications\[\].*)`,
	`status\.conditions\[\]\.(observedGeneration|lastTransitionTime)`,
}, "|") + `)$`)

// TestEveryFieldIsShownOrLeftOutOnPurpose compares what show says of a task with and without each field: where the task has nothing else,
// and where it has everything.
func TestEveryFieldIsShownOrLeftOutOnPurpose(t *testing.T) {
	paths := leaves(reflect.TypeFor[v1alpha1.LivepeerTask](), "")
	if len(paths) < 300 {
		t.Fatalf("only %d fields", len(paths))
	}
	for _, path := range paths {
		if !strings.HasPrefix(path, "spec.") && !strings.HasPrefix(path, "status.") {
			continue
		}
		alone := &v1alpha1.LivepeerTask{}
		fill(reflect.ValueOf(alone).Elem(), "", func(at string) bool { return at == path })
		bare := &v1alpha1.LivepeerTask{}
		fill(reflect.ValueOf(bare).Elem(), "", func(at string) bool { return strings.HasPrefix(path, at+".") || strings.HasPrefix(path, at+"[].") })
		same := func(at string) bool { return at == path }
		whole, lacks := full(path, func(string) bool { return false }), full(path, same)
		differs := shown(alone) != shown(bare) || shown(whole) != shown(lacks)
		if left := notShown.MatchString(path); differs == left {
			t.Errorf("%s is shown: %v, left out on purpose: %v", path, differs, left)
		}
	}
}

func shown(t *v1alpha1.LivepeerTask) string { return fmt.Sprint(Describe(t, day, term.Duration)) }

// full has every field, save those that are to be left out, and of params and output only the member that the path is in.
func full(path string, without func(string) bool) *v1alpha1.LivepeerTask {
	task := &v1alpha1.LivepeerTask{}
	fill(reflect.ValueOf(task).Elem(), "", func(at string) bool {
		for _, union := range []string{"spec.params.", "status.output."} {
			if rest, inside := strings.CutPrefix(at, union); inside && strings.HasPrefix(path, union) {
				member, _, _ := strings.Cut(rest, ".")
				if !strings.HasPrefix(path, union+member+".") {
					return false
				}
			}
		}
		const deeper = "status.output.transcode.asset" // which counts where there is no asset beside it
		hidden := strings.HasPrefix(path, deeper+".") && strings.HasPrefix(at, deeper+"Spec")
		return !without(at) && !hidden
	})
	return task
}

// name returns the JSON name of a field, behind the path of what it is in.
func name(path string, f *reflect.StructField) string {
	json, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case json == "":
		return path
	case path == "":
		return json
	}
	return path + "." + json
}

// examples are values of fields that have no fields of their own.
var examples = map[reflect.Type]any{
	reflect.TypeFor[string]():               "https://example.example.com/e",
	reflect.TypeFor[int64]():                int64(7),
	reflect.TypeFor[int32]():                int32(7),
	reflect.TypeFor[float64]():              float64(7),
	reflect.TypeFor[bool]():                 true,
	reflect.TypeFor[metav1.MicroTime]():     metav1.NewMicroTime(day.AddDate(0, 0, -3)),
	reflect.TypeFor[metav1.Time]():          metav1.NewTime(day),
	reflect.TypeFor[intstr.IntOrString]():   intstr.FromInt32(7),
	reflect.TypeFor[runtime.RawExtension](): runtime.RawExtension{Raw: []byte(`{"a":1}`)},
	reflect.TypeFor[map[string]string]():    map[string]string{"a": "b"},
}

func leaves(of reflect.Type, path string) (paths []string) {
	switch {
	case examples[of] != nil:
		return []string{path}
	case of.Kind() == reflect.Pointer:
		return leaves(of.Elem(), path)
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
		return leaves(of.Elem(), path+"[]")
	case of.Kind() != reflect.Struct:
		return []string{path}
	}
	for i := range of.NumField() {
		f := of.Field(i)
		paths = append(paths, leaves(f.Type, name(path, &f))...)
	}
	return paths
}

// fill sets what is wanted, and makes what that is in. The path of something that has fields is asked for as well.
func fill(v reflect.Value, path string, wanted func(string) bool) (set bool) {
	example := examples[v.Type()]
	switch {
	case strings.HasPrefix(path, "metadata"):
		return false
	case example != nil:
		if wanted(path) {
			v.Set(reflect.ValueOf(example))
		}
		return wanted(path)
	case v.Kind() == reflect.Pointer:
		inner := reflect.New(v.Type().Elem())
		if fill(inner.Elem(), path, wanted) {
			v.Set(inner)
			return true
		}
		return false
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		list := reflect.MakeSlice(v.Type(), 1, 1)
		if fill(list.Index(0), path+"[]", wanted) {
			v.Set(list)
			return true
		}
		return false
	case v.Kind() == reflect.Slice:
		if wanted(path) {
			v.Set(reflect.ValueOf([]string{"e"}).Convert(v.Type()))
		}
		return wanted(path)
	case v.Kind() == reflect.String:
		if wanted(path) {
			v.SetString("e")
		}
		return wanted(path)
	case v.Kind() != reflect.Struct:
		return false
	}
	set = wanted(path)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if fill(v.Field(i), name(path, &f), wanted) {
			set = true
		}
	}
	return set
}
