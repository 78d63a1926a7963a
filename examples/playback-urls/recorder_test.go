// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// task stores a task as the operator does: first the object, then its status.
func (w *world) task(source, id, kind, phase, url string) *v1alpha1.LivepeerTask {
	task := &v1alpha1.LivepeerTask{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: id, Labels: map[string]string{v1alpha1.LabelSource: source}},
		Spec:       v1alpha1.LivepeerTaskSpec{ID: id, Type: kind},
	}
	w.Expect(w.client.Create(w.ctx, task)).To(Succeed())
	w.becomes(task, phase, url)
	return task
}

func (w *world) becomes(task *v1alpha1.LivepeerTask, phase, url string) {
	task.Status.Phase = phase
	task.Status.UpdatedAt = &metav1.MicroTime{Time: time.Now()}
	asset := &v1alpha1.AssetOutput{AssetSpec: &v1alpha1.AssetSpec{PlaybackURL: url}}
	task.Status.Output = &v1alpha1.TaskOutput{Upload: asset}
	if task.Spec.Type == v1alpha1.TypeClip {
		task.Status.Output = &v1alpha1.TaskOutput{Clip: asset}
	}
	w.Expect(w.client.Status().Update(w.ctx, task)).To(Succeed())
}

func (w *world) configMap(source string) (*corev1.ConfigMap, error) {
	configMap := &corev1.ConfigMap{}
	return configMap, w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "playback-urls-" + source}, configMap)
}

// eventually waits until the source's ConfigMap holds these names and URLs, and returns it.
func (w *world) eventually(source string, urls map[string]string) *corev1.ConfigMap {
	var found *corev1.ConfigMap
	w.Eventually(func(g Gomega) {
		var err error
		found, err = w.configMap(source)
		g.Expect(err).NotTo(HaveOccurred())
		if len(urls) == 0 {
			g.Expect(found.Data).To(BeEmpty())
		} else {
			g.Expect(found.Data).To(Equal(urls))
		}
	}, soon).Should(Succeed())
	return found
}

func TestRecordsCompletedUploadsAlone(t *testing.T) {
	w := newWorld(t)
	w.start(t, maxBytes)
	w.task("main", "running", v1alpha1.TypeUpload, v1alpha1.PhaseRunning, "https://example.com/too-early")
	w.task("main", "failed", v1alpha1.TypeUpload, v1alpha1.PhaseFailed, never)
	w.task("main", "clip", v1alpha1.TypeClip, v1alpha1.PhaseCompleted, "https://example.com/clip")
	w.task("main", "no-url", v1alpha1.TypeUpload, v1alpha1.PhaseCompleted, never)
	w.task("main", "first", v1alpha1.TypeUpload, v1alpha1.PhaseCompleted, "https://example.com/first")
	w.task("main", "second", v1alpha1.TypeUpload, v1alpha1.PhaseCompleted, "https://example.com/second")
	w.task("other", "third", v1alpha1.TypeUpload, v1alpha1.PhaseCompleted, "https://example.com/third")

	w.eventually("main", map[string]string{"first": "https://example.com/first", "second": "https://example.com/second"})
	w.eventually("other", map[string]string{"third": "https://example.com/third"})
}

// What is recorded stays untouched by a restart: no write, and no request for one.
func TestRestartRepeatsNothing(t *testing.T) {
	w := newWorld(t)
	stop := w.start(t, maxBytes)
	w.task("main", "first", v1alpha1.TypeUpload, v1alpha1.PhaseCompleted, "https://example.com/first")
	before := w.eventually("main", map[string]string{"first": "https://example.com/first"})
	stop()

	w.applies.Store(0)
	w.start(t, maxBytes)
	// One worker takes sources in turn: once the new one is recorded, the first was looked at.
	w.task("new", "second", v1alpha1.TypeUpload, v1alpha1.PhaseCompleted, "https://example.com/second")
	w.eventually("new", map[string]string{"second": "https://example.com/second"})
	after, err := w.configMap("main")
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(after.ResourceVersion).To(Equal(before.ResourceVersion))
	w.Expect(w.applies.Load()).To(Equal(int32(1)), "the new source's alone")
}

func TestFollowsRetries(t *testing.T) {
	w := newWorld(t)
	w.start(t, maxBytes)
	w.task("main", "other", v1alpha1.TypeUpload, v1alpha1.PhaseCompleted, "https://example.com/other")
	task := w.task("main", "upload", v1alpha1.TypeUpload, v1alpha1.PhaseFailed, never)
	w.eventually("main", map[string]string{"other": "https://example.com/other"})

	w.becomes(task, v1alpha1.PhaseWaiting, never)
	w.becomes(task, v1alpha1.PhaseCompleted, "https://example.com/2nd")
	w.eventually("main", map[string]string{"other": "https://example.com/other", "upload": "https://example.com/2nd"})
	w.becomes(task, v1alpha1.PhaseCompleted, "https://example.com/3rd")
	w.eventually("main", map[string]string{"other": "https://example.com/other", "upload": "https://example.com/3rd"})
	w.becomes(task, v1alpha1.PhaseRunning, never)
	w.eventually("main", map[string]string{"other": "https://example.com/other"})
}

// The last task of a source goes while nobody watches; somebody edits; somebody else has a key of their own.
func TestBringsTheConfigMapBack(t *testing.T) {
	w := newWorld(t)
	stop := w.start(t, maxBytes)
	task := w.task("main", "upload", v1alpha1.TypeUpload, v1alpha1.PhaseCompleted, "https://example.com/1")
	edited := w.eventually("main", map[string]string{"upload": "https://example.com/1"})

	edited.Data = map[string]string{"upload": "https://example.com/wrong", "theirs": "stays"}
	w.Expect(w.client.Update(w.ctx, edited)).To(Succeed())
	w.eventually("main", map[string]string{"upload": "https://example.com/1", "theirs": "stays"})

	stop()
	w.Expect(w.client.Delete(w.ctx, task)).To(Succeed())
	w.start(t, maxBytes)
	w.eventually("main", map[string]string{"theirs": "stays"})
}

func TestKeepsTheNewestWhereNotAllFit(t *testing.T) {
	w := newWorld(t)
	const url = "https://example.com/0123456789"
	for i := range 5 {
		w.task("main", fmt.Sprintf("upload-%d", i), v1alpha1.TypeUpload, v1alpha1.PhaseCompleted, url)
	}
	w.start(t, 2*len("upload-0"+url))
	w.eventually("main", map[string]string{"upload-3": url, "upload-4": url})
}

// The bound must leave what the API server takes: half a MiB of short URLs is many keys, which managedFields names too.
func TestAFullConfigMapIsTaken(t *testing.T) {
	w := newWorld(t)
	tasks := make([]v1alpha1.LivepeerTask, 20_000)
	for i := range tasks {
		tasks[i].Name = fmt.Sprintf("09f8b46c-61a0-4254-9875-%012d", i)
		tasks[i].Status.Phase = v1alpha1.PhaseCompleted
		tasks[i].Status.Output = &v1alpha1.TaskOutput{Upload: &v1alpha1.AssetOutput{
			AssetSpec: &v1alpha1.AssetSpec{PlaybackURL: "https://lp.example/x"},
		}}
	}
	urls, omitted := playbackURLs(tasks, maxBytes)
	w.Expect(omitted).To(BeNumerically(">", 0))
	w.Expect(w.client.Apply(w.ctx, configMapOf(w.namespace, "main", urls), client.FieldOwner(name))).To(Succeed())
	t.Logf("%d URLs", len(urls))
}
