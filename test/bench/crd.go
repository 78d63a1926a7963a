// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

// measureCRD finds out what the parts of the CRD cost the API server. All variants are there at once, each as a kind of its own, and take
// turns with the same writes, forth and back: what else the machine does meets all of them.
func measureCRD(ctx context.Context, r *runner) error {
	a, err := openAccount(crdTasks)
	if err != nil {
		return err
	}
	defer a.close()
	// A collection that happens to begin while a variant writes costs more than all its writes. So there are none but between them, and
	// what is allocated stands for what it costs.
	collector, set := os.LookupEnv("GOGC")
	if err := os.Setenv("GOGC", "off"); err != nil { // of the control plane
		return err
	}
	defer func() {
		_ = os.Unsetenv("GOGC")
		if set {
			_ = os.Setenv("GOGC", collector)
		}
	}()
	return r.onStage(ctx, func(s *stage) error {
		kinds := variants()
		if err := s.installVariants(ctx, kinds); err != nil {
			return err
		}
		for round := range crdRounds + 1 { // the first is for warming up
			namespace := fmt.Sprintf("crd-%d", round)
			if err := s.bed.Plane.Apply(ctx, testbed.Namespace(namespace)); err != nil {
				return err
			}
			objects, err := prepare(a, namespace, crdTasks)
			if err != nil {
				return err
			}
			for i := range kinds {
				if err := s.measureVariant(ctx, r, &kinds[i], objects, round > 0); err != nil {
					return fmt.Errorf("%s: %w", kinds[i].name, err)
				}
			}
			slices.Reverse(kinds)
		}
		r.compareVariants()
		return nil
	})
}

// installVariants has the API server serve all of them, and waits until it has made its documents of their schemas.
func (s *stage) installVariants(ctx context.Context, kinds []variant) error {
	objects, err := s.bed.Plane.Render(ctx, "config/default")
	if err != nil {
		return err
	}
	at := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetName() == crdName })
	if at < 0 {
		return fmt.Errorf("config/default has no CRD %s", crdName)
	}
	groups := make([]any, len(kinds))
	for i := range kinds {
		groups[i] = kinds[i].group()
		crd, err := kinds[i].crd(objects[at])
		if err != nil {
			return err
		}
		if err := s.bed.Plane.Apply(ctx, crd); err != nil {
			return err
		}
	}
	if err := s.bed.Plane.Apply(ctx, variantRights(groups)...); err != nil {
		return err
	}
	return s.quiet(ctx)
}

// variantRights lets the rival write all variants.
func variantRights(groups []any) []*unstructured.Unstructured {
	const rbac = "rbac.authorization.k8s.io/v1"
	meta := map[string]any{"name": rivalName + "-variants"}
	return []*unstructured.Unstructured{
		{Object: map[string]any{"apiVersion": rbac, "kind": "ClusterRole", "metadata": meta, "rules": []any{map[string]any{
			"apiGroups": groups, "resources": []any{"livepeertasks", "livepeertasks/status"}, "verbs": []any{"create", "update"},
		}}}},
		{Object: map[string]any{
			"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": meta,
			"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": rivalName + "-variants"},
			"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": rivalName, "namespace": "default"}},
		}},
	}
}

// quiet waits until the API server has nothing to do for two seconds.
func (s *stage) quiet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	last, err := s.usage()
	if err != nil {
		return err
	}
	return every(ctx, 2*time.Second, func() (bool, error) {
		now, err := s.usage()
		used := now.since(last)
		last = now
		return used.apiServer+used.etcd < 200*time.Millisecond, err
	})
}

// measureVariant creates the tasks, then changes them.
func (s *stage) measureVariant(ctx context.Context, r *runner, v *variant, objects []prepared, counts bool) error {
	const concurrency = 8
	w := &variantWriter{stage: s, variant: v}
	tasks := make([]prepared, len(objects))
	for i := range objects {
		tasks[i] = objects[i]
		for _, body := range []*[]byte{&tasks[i].create, &tasks[i].before, &tasks[i].after} {
			*body = bytes.ReplaceAll(*body, []byte(`"apiVersion":"`+crdGroup), []byte(`"apiVersion":"`+v.group()))
		}
	}
	allocated, err := s.collect(ctx)
	if err != nil {
		return err
	}
	for _, phase := range []struct {
		name string
		one  func(context.Context, *prepared, *bytes.Buffer) error
	}{{"create", w.create}, {"change", w.change}} {
		before, err := s.usage()
		if err != nil {
			return err
		}
		if _, err := s.loop(ctx, nil, "", concurrency, tasks, phase.one); err != nil {
			return err
		}
		after, err := s.usage()
		if err != nil {
			return err
		}
		now, err := s.collect(ctx)
		if err != nil {
			return err
		}
		if used := after.since(before); counts {
			r.result.add("crd."+v.name+"."+phase.name, perThousand((used.apiServer+used.etcd).Seconds(), len(tasks)))
			r.result.add("crd."+v.name+"."+phase.name+".allocated", (now-allocated)/float64(len(tasks))/1024)
		}
		allocated = now
	}
	if counts {
		r.result.add("crd."+v.name+".size", float64(len(tasks[0].answer)))
	}
	return nil
}

// collect has the API server collect its garbage, and returns how many bytes it has allocated ever.
func (s *stage) collect(ctx context.Context) (float64, error) {
	var answer bytes.Buffer
	if err := sendBy(ctx, s.admin, http.MethodGet, s.host+"/debug/pprof/heap?gc=1", "", nil, nil); err != nil {
		return 0, err
	}
	if err := sendBy(ctx, s.admin, http.MethodGet, s.host+"/metrics", "", nil, &answer); err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(answer.String(), "\ngo_memstats_alloc_bytes_total ")
	value, _, _ := strings.Cut(rest, "\n")
	return strconv.ParseFloat(value, 64)
}

// compareVariants adds what each costs, to today's in the same round.
func (r *runner) compareVariants() {
	for _, v := range variants() {
		for _, phase := range []string{"create", "change"} {
			base := r.result.Figures["crd."+todays+"."+phase].Values
			var sum, all float64
			for i, value := range r.result.Figures["crd."+v.name+"."+phase].Values {
				sum, all = sum+value, all+base[i]
			}
			r.result.add("crd."+v.name+"."+phase+".ratio", sum/all)
		}
	}
}

// variantWriter sends writes as the operator does.
type variantWriter struct {
	stage   *stage
	variant *variant
}

func (w *variantWriter) path(namespace string) string {
	return w.stage.host + "/apis/" + w.variant.group() + "/v1alpha1/namespaces/" + namespace + "/livepeertasks"
}

func (w *variantWriter) create(ctx context.Context, p *prepared, answer *bytes.Buffer) error {
	url := w.path(p.namespace) + "?fieldManager=bench" + w.variant.query
	if err := w.stage.send(ctx, http.MethodPost, url, "application/json", p.create, answer); err != nil {
		return err
	}
	return w.putStatus(ctx, p, answer)
}

// change replaces the status by that of the changed task.
func (w *variantWriter) change(ctx context.Context, p *prepared, answer *bytes.Buffer) error {
	p.before = bytes.ReplaceAll(p.before, []byte(`"phase":"completed"`), []byte(`"phase":"running"`))
	p.after = bytes.ReplaceAll(p.after, []byte(`"phase":"completed"`), []byte(`"phase":"running"`))
	answer.Reset()
	_, _ = answer.WriteString(p.answer)
	return w.putStatus(ctx, p, answer)
}

// putStatus replaces the status of what was answered.
func (w *variantWriter) putStatus(ctx context.Context, p *prepared, answer *bytes.Buffer) error {
	version, err := versionIn(answer)
	if err != nil {
		return err
	}
	url := w.path(p.namespace) + "/" + p.name + "/status?fieldManager=bench" + w.variant.query
	if err := w.stage.send(ctx, http.MethodPut, url, "application/json", slices.Concat(p.before, version, p.after), answer); err != nil {
		return err
	}
	p.answer = answer.String()
	return nil
}

func versionIn(answer *bytes.Buffer) ([]byte, error) {
	_, rest, found := bytes.Cut(answer.Bytes(), []byte(`"resourceVersion":"`))
	version, _, _ := bytes.Cut(rest, []byte(`"`))
	if !found {
		return nil, fmt.Errorf("no resource version in %s", answer)
	}
	return version, nil
}
