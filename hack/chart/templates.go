// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const (
	namespace = "livepeer-task-operator-system"
	managedBy = "\n    app.kubernetes.io/managed-by: kustomize"
	labels    = "\n    {{- include \"livepeer-task-operator.labels\" . | nindent 4 }}"
	banner    = "# Generated from config/ by make manifests. The reasons for what is here are in the comments there.\n"
)

// A wrapper puts a condition around the template of one kind.
type wrapper func(template string) string

func always(template string) string { return template }

func withPrometheus(template string) string {
	const more = "\n    {{- with .Values.prometheus.labels }}\n    {{- toYaml . | nindent 4 }}\n    {{- end }}"
	template = strings.ReplaceAll(template, labels, labels+more)
	return "{{- if .Values.prometheus.enabled }}\n" + template + "{{- end }}\n"
}

// changes are what values change in the templates of some kinds.
var changes = map[string]func(template string) string{
	"ServiceAccount": func(template string) string {
		const annotations = "\n  {{- with .Values.serviceAccount.annotations }}\n  annotations:\n    {{- toYaml . | nindent 4 }}" +
			"\n  {{- end }}\n  name: "
		template = strings.Replace(template, "\n  name: "+account, annotations+accountName, 1)
		return "{{- if .Values.serviceAccount.create }}\n---\n" + template + "{{- end }}\n"
	},
	"RoleBinding":        bound,
	"ClusterRoleBinding": bound,
	"ClusterRole": func(template string) string {
		if strings.Contains(template, "rbac.authorization.k8s.io/aggregate-to-") {
			return once(template)
		}
		return template
	},
	"Role": func(template string) string { // the lease of a shard has another name, with a hash
		const names = "  resourceNames:\n  - livepeer-task-operator.studio.livepeer.org\n"
		return strings.Replace(template, names, "  {{- if not .Values.watchLabelSelector }}\n"+names+"  {{- end }}\n", 1)
	},
	"ValidatingAdmissionPolicy":        once,
	"ValidatingAdmissionPolicyBinding": once,
	"FlowSchema":                       once,
	"PriorityLevelConfiguration":       once,
	"NetworkPolicy": func(template string) string {
		const ports = "    {{- range .Values.networkPolicy.egressPorts }}\n    - port: {{ . }}\n      protocol: TCP\n    {{- end }}\n"
		const last = "    - port: 16443\n      protocol: TCP\n"
		template = strings.Replace(template, last, last+ports, 1)
		template = strings.Replace(template, "  ingress:\n", rules("egress")+"  ingress:\n", 1)
		template = strings.Replace(template, "  podSelector:\n    matchLabels:\n      app.kubernetes.io/component: manager\n"+
			"      app.kubernetes.io/name: livepeer-task-operator\n  policyTypes:", rules("ingress")+"  podSelector:\n    matchLabels:\n"+
			"      app.kubernetes.io/component: manager\n      app.kubernetes.io/name: livepeer-task-operator\n  policyTypes:", 1)
		return "{{- if .Values.networkPolicy.enabled }}\n---\n" + template + "{{- end }}\n"
	},
	"Service": func(template string) string {
		// The ServiceMonitor looks for it.
		const own = "\n    {{- with include \"livepeer-task-operator.own\" . }}\n    {{ . }}\n    {{- end }}"
		template = strings.Replace(template, labels, labels+own, 1)
		return strings.Replace(template, "appProtocol: http\n",
			"appProtocol: {{ if eq (include \"livepeer-task-operator.receiverCertificate\" .) \"\" }}http{{ else }}https{{ end }}\n", 1)
	},
	"ServiceMonitor": func(template string) string {
		const verified = "{{- with include \"livepeer-task-operator.metricsCertificate\" . }}\n" +
			"      serverName: " + account + "-metrics.{{ $.Release.Namespace }}.svc\n" +
			"      ca:\n        secret:\n          name: {{ . | quote }}\n          key: ca.crt\n" +
			"      {{- else }}\n      insecureSkipVerify: true\n      {{- end }}\n"
		return strings.Replace(template, "insecureSkipVerify: true\n", verified, 1)
	},
}

const (
	account     = "livepeer-task-operator-controller-manager"
	accountName = "{{ include \"livepeer-task-operator.serviceAccount\" . | quote }}"
)

// bound gives what a binding binds to the ServiceAccount of the values.
func bound(template string) string {
	return strings.ReplaceAll(template, "- kind: ServiceAccount\n  name: "+account, "- kind: ServiceAccount\n  name: "+accountName)
}

// once is what one release has for all of a cluster.
func once(template string) string {
	return "{{- if .Values.clusterResources.install }}\n---\n" + template + "{{- end }}\n"
}

var (
	// names are those that begin with the name of the release's objects.
	names = regexp.MustCompile(`((?:name|policyName|serverName): )livepeer-task-operator-`)
	// selectors are those of the operator's own pods and Services: the two labels stand together in nothing else.
	selectors = regexp.MustCompile(`( +)app\.kubernetes\.io/component: \w+\n +app\.kubernetes\.io/name: livepeer-task-operator\n`)
)

// ofRelease gives names and selectors to the objects that several releases in one cluster, or one namespace, do not share.
func ofRelease(template string) string {
	template = names.ReplaceAllString(template, `${1}{{ include "livepeer-task-operator.prefix" $$ }}-`)
	return selectors.ReplaceAllString(template, "${0}${1}{{- with include \"livepeer-task-operator.own\" $$ }}\n"+
		"${1}{{ . }}\n${1}{{- end }}\n")
}

// rules are those that somebody adds to a direction of the NetworkPolicy.
func rules(direction string) string {
	return "  {{- with .Values.networkPolicy." + direction + " }}\n  {{- toYaml . | nindent 2 }}\n  {{- end }}\n"
}

// withDashboard is for what Grafana's sidecar takes.
func withDashboard(template string) string {
	const annotations = "\n  {{- with .Values.prometheus.dashboardAnnotations }}\n  annotations:\n" +
		"    {{- toYaml . | nindent 4 }}\n  {{- end }}\n"
	template = strings.Replace(template, "\nmetadata:\n", "\nmetadata:"+annotations, 1)
	return "{{- if .Values.prometheus.dashboard }}\n" + template + "{{- end }}\n"
}

// byHand are the kinds that the chart makes otherwise: Helm makes the namespace, CRDs are files of their own, and values
// change the Deployment.
func byHand(kind string) bool {
	return slices.Contains([]string{"Namespace", "CustomResourceDefinition", "Deployment"}, kind)
}

// templates makes a template for each kind among rendered manifests, by the kind in lower case.
func templates(rendered []byte, wrap wrapper) (map[string][]byte, error) {
	texts := map[string]string{}
	for document := range bytes.SplitSeq(rendered, []byte("\n---\n")) {
		object := metav1.TypeMeta{}
		if err := yaml.Unmarshal(document, &object); err != nil {
			return nil, err
		}
		if object.Kind == "" {
			return nil, fmt.Errorf("an object without a kind: %.100s", document)
		}
		if !byHand(object.Kind) {
			text, kind := template(string(document)), strings.ToLower(object.Kind)
			if change, ok := changes[object.Kind]; ok {
				text = change(text)
			}
			if !strings.HasPrefix(text, "{{- if ") {
				text = "---\n" + text
			}
			texts[kind] += ofRelease(text)
		}
	}
	files := make(map[string][]byte, len(texts))
	for kind, text := range texts {
		files[kind] = []byte(banner + wrap(text))
	}
	return files, nil
}

// template is one rendered object, in the namespace and with the labels of a release.
func template(document string) string {
	document = strings.TrimSuffix(document, "\n") + "\n"
	document = strings.ReplaceAll(document, "{{", `{{ "{{" }}`)                            // alerts have templates of their own
	document = strings.ReplaceAll(document, namespace, "{{ .Release.Namespace | quote }}") // a name may look like a number
	return strings.Replace(document, managedBy, labels, 1)
}
