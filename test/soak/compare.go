// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/mirror"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

// compareSite compares Studio with what the cluster stores for it, and says what differs. While it does, nothing in Studio
// may change.
func compareSite(ctx context.Context, c client.Client, s *site) (tasks int, differ []string, err error) {
	raw, err := s.studio.tasks()
	if err != nil {
		return 0, nil, err
	}
	source := &v1alpha1.LivepeerTaskSource{}
	if err := c.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: testbed.SourceName}, source); err != nil {
		return 0, nil, err
	}
	list := &v1alpha1.LivepeerTaskList{}
	if err := c.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
		return 0, nil, err
	}
	differ, err = compare(raw, list.Items, source.UID)
	return len(raw), differ, err
}

// compare says in one line each what differs between tasks, as the API answers them, and the stored objects, which must
// all belong to that source.
func compare(tasks map[string][]byte, objects []v1alpha1.LivepeerTask, source types.UID) ([]string, error) {
	var differ []string
	byID := map[string][]*v1alpha1.LivepeerTask{}
	for i := range objects {
		byID[objects[i].Spec.ID] = append(byID[objects[i].Spec.ID], &objects[i])
	}
	redactor := redact.New(livepeertest.APIKey)
	for _, id := range slices.Sorted(maps.Keys(tasks)) {
		found := byID[id]
		delete(byID, id)
		if len(found) != 1 {
			differ = append(differ, fmt.Sprintf("task %q has %d objects", id, len(found)))
			continue
		}
		wanted, err := mirror.Convert(tasks[id], redactor)
		if err != nil {
			return nil, err
		}
		if difference := compareOne(wanted, found[0], source); difference != "" {
			differ = append(differ, fmt.Sprintf("%s: %s", found[0].Name, difference))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		for _, object := range byID[id] {
			differ = append(differ, fmt.Sprintf("%s mirrors the task %q, which is not in Studio; its owners are %s, its labels %v",
				object.Name, id, owners(object), object.Labels))
		}
	}
	return differ, nil
}

// compareOne says what differs, or "".
func compareOne(wanted *mirror.Observation, object *v1alpha1.LivepeerTask, source types.UID) string {
	if !slices.Contains(mirror.Names(wanted.ID), object.Name) {
		return fmt.Sprintf("is no name for the task %q", wanted.ID)
	}
	controller := metav1.GetControllerOfNoCopy(object)
	if len(object.OwnerReferences) != 1 || controller == nil || controller.UID != source {
		return fmt.Sprintf("its owners are %s, not the source with the UID %s", owners(object), source)
	}
	name, kind := object.Labels[v1alpha1.LabelSource], object.Labels[v1alpha1.LabelType]
	if name != testbed.SourceName || kind != mirror.LabelValue(wanted.Spec.Type) {
		return fmt.Sprintf("its labels are %v", object.Labels)
	}
	if object.Status.ObservedGeneration != object.Generation {
		return fmt.Sprintf("its status is of generation %d, not %d", object.Status.ObservedGeneration, object.Generation)
	}
	status := *wanted.Status.DeepCopy()
	status.ObservedGeneration = object.Generation
	for i := range status.Conditions {
		status.Conditions[i].ObservedGeneration = object.Generation
	}
	if path := firstDifference("spec", plainJSON(wanted.Spec), plainJSON(object.Spec)); path != "" {
		return path
	}
	return firstDifference("status", plainJSON(status), plainJSON(object.Status))
}

// owners names the owners of an object, for people.
func owners(object *v1alpha1.LivepeerTask) string {
	names := make([]string, 0, len(object.OwnerReferences))
	for _, owner := range object.OwnerReferences {
		names = append(names, fmt.Sprintf("%s (%s)", owner.Name, owner.UID))
	}
	return "[" + strings.Join(names, " ") + "]"
}

// plainJSON is v as a reader of its JSON sees it: the API server keeps neither the order of keys nor the spelling of numbers.
func plainJSON(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		return err.Error()
	}
	return plain
}

// firstDifference names the first field that differs and both values, or is "".
func firstDifference(path string, wanted, got any) string {
	if reflect.DeepEqual(wanted, got) {
		return ""
	}
	wantedFields, isObject := wanted.(map[string]any)
	gotFields, isObjectToo := got.(map[string]any)
	if !isObject || !isObjectToo {
		return fmt.Sprintf("%s is %.100q, not %.100q", path, fmt.Sprint(got), fmt.Sprint(wanted))
	}
	all := maps.Clone(wantedFields)
	maps.Copy(all, gotFields)
	for _, field := range slices.Sorted(maps.Keys(all)) {
		if difference := firstDifference(path+"."+field, wantedFields[field], gotFields[field]); difference != "" {
			return difference
		}
	}
	return path + " differs in what is null and what is absent"
}
