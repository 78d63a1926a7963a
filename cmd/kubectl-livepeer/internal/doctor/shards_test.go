// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func operator(name string, args ...string) appsv1.Deployment {
	d := appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: name}}
	field := func(name, path string) corev1.EnvVar {
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
	}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "proxy", Args: []string{"--" + selectorFlag + "=x=y"}}, {Name: "manager", Args: args, Env: []corev1.EnvVar{
		{Name: "ONE", Value: "media"}, field("POD_NAMESPACE", "metadata.namespace"), field("TARGET_NAMESPACES", "metadata.annotations['olm.targetNamespaces']"),
	}}}
	return d
}

// TestServedByOLM: OLM says by an annotation where an operator is to work; the empty one means everywhere.
func TestServedByOLM(t *testing.T) {
	for targets, served := range map[string]bool{"": true, "media": true, "x,media": true, "x": false} {
		d := operator("olm", "--"+namespacesFlag+"=$(TARGET_NAMESPACES)")
		d.Spec.Template.Annotations = map[string]string{"olm.targetNamespaces": targets}
		if checks := Served(well(), []appsv1.Deployment{d}); (len(checks) == 0 || checks[0].Level == OK) != served {
			t.Errorf("%q: %v", targets, checks)
		}
	}
	if checks := Served(well(), []appsv1.Deployment{operator("one", "--"+namespacesFlag, "$(ONE)")}); len(checks) > 0 && checks[0].Level != OK {
		t.Errorf("%v", checks)
	}
}

func TestServed(t *testing.T) {
	labelled := func(shard string) *v1alpha1.LivepeerTaskSource {
		return well(func(s *v1alpha1.LivepeerTaskSource) { s.Labels = map[string]string{"shard": shard} })
	}
	a, b := operator("a", "--leader-elect", "--"+selectorFlag+"=shard=a"), operator("b", "--"+selectorFlag+"=shard in (b,c)")
	here, elsewhere := operator("here", "--"+selectorFlag+"=shard=a", "--"+namespacesFlag+"=x, media"), operator("elsewhere", "--"+namespacesFlag+"=$(POD_NAMESPACE)")
	for _, c := range []struct {
		source    *v1alpha1.LivepeerTaskSource
		operators []appsv1.Deployment
		level     Level
		says      []string
	}{
		{labelled("a"), []appsv1.Deployment{a, b}, OK, []string{"served by system/a"}},
		{labelled("a"), []appsv1.Deployment{a}, OK, []string{"served by system/a"}},
		{well(), []appsv1.Deployment{operator("two", "--"+namespacesFlag+"=media,x"), elsewhere}, OK, []string{"served by system/two"}},
		{labelled("c"), []appsv1.Deployment{a, b}, OK, []string{"served by system/b"}},
		{labelled("a"), []appsv1.Deployment{operator("twice", "--"+selectorFlag+"=shard=x", "--"+selectorFlag+"=shard=a"), b}, OK, []string{"served by system/twice"}},
		{labelled("d"), []appsv1.Deployment{a, b}, Fail, []string{"no operator serves it", "shard=a; shard in (b,c)", "kubectl -n media label"}},
		{well(), []appsv1.Deployment{a, b}, Fail, []string{"no operator serves it"}},
		{labelled("a"), []appsv1.Deployment{a, operator("all")}, Fail, []string{"system/a and system/all", "write against each other"}},
		{labelled("a"), []appsv1.Deployment{here, elsewhere}, OK, []string{"served by system/here"}},
		{well(), []appsv1.Deployment{operator("one"), operator("two")}, Fail, []string{"system/one and system/two", "write against each other"}},
		{well(), []appsv1.Deployment{elsewhere}, Fail, []string{"no operator serves it", "works in the namespaces", "system"}},
		{well(), []appsv1.Deployment{operator("one"), elsewhere}, OK, []string{"served by system/one"}},
		{labelled("a"), []appsv1.Deployment{operator("apart", "--"+selectorFlag, "shard=x", "-"+selectorFlag, "shard=a"), b}, OK, []string{"served by system/apart"}},
		{labelled("a"), []appsv1.Deployment{operator("short", "-"+selectorFlag+"=shard=a", "--"+namespacesFlag, "media"), b}, OK, []string{"served by system/short"}},
		{labelled("a"), []appsv1.Deployment{operator("nothing", "--"+namespacesFlag, "x", "--"+selectorFlag), b}, Fail, []string{"no operator serves it"}},
		{labelled("a"), []appsv1.Deployment{operator("broken", "--"+selectorFlag+"=shard in a"), b}, Fail, []string{"no operator serves it"}},
	} {
		checks := Served(c.source, c.operators)
		if len(checks) != 1 {
			t.Fatalf("%v", checks)
		}
		if expect(t, checks[0], c.level, c.says...); c.level == OK && checks[0].Next != "" {
			t.Errorf("nothing is to be done: %s", checks[0])
		}
	}
	if checks := Served(labelled("d"), []appsv1.Deployment{operator("all")}); len(checks) != 0 {
		t.Errorf("there are no shards: %v", checks)
	}
	if checks := Served(labelled("d"), nil); len(checks) != 0 {
		t.Errorf("which operators there are is not known: %v", checks)
	}
}
