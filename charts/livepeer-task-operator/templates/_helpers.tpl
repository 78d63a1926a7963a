{{- /* What the names of the release's objects begin with. */ -}}
{{- define "livepeer-task-operator.prefix" -}}
{{ .Values.fullnameOverride | default "livepeer-task-operator" }}
{{- end }}

{{- define "livepeer-task-operator.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | regexFind ".*[a-zA-Z0-9]" }}
{{- end }}

{{- define "livepeer-task-operator.image" -}}
{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* By what operators in one namespace tell their pods and Services apart. Not the name of the release: a chart may have two as its
parts, and Argo CD writes its own app.kubernetes.io/instance. */ -}}
{{- define "livepeer-task-operator.own" -}}
{{- if ne (include "livepeer-task-operator.prefix" .) "livepeer-task-operator" -}}
studio.livepeer.org/operator: {{ include "livepeer-task-operator.prefix" . | quote }}
{{- end }}
{{- end }}

{{- define "livepeer-task-operator.selector" -}}
app.kubernetes.io/component: manager
app.kubernetes.io/name: livepeer-task-operator
{{- with include "livepeer-task-operator.own" . }}
{{ . }}
{{- end }}
{{- end }}

{{- define "livepeer-task-operator.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (printf "%s-controller-manager" (include "livepeer-task-operator.prefix" .)) }}
{{- end }}

{{- /* The names of the Secrets with certificates; empty where there is none. */ -}}
{{- define "livepeer-task-operator.metricsCertificate" -}}
{{ .Values.certificates.metrics | default (ternary (printf "%s-metrics-certificate" (include "livepeer-task-operator.prefix" .)) "" .Values.certificates.certManager.enabled) }}
{{- end }}

{{- define "livepeer-task-operator.receiverCertificate" -}}
{{ .Values.certificates.receiver | default (ternary (printf "%s-receiver-certificate" (include "livepeer-task-operator.prefix" .)) "" (and .Values.certificates.certManager.enabled .Values.certificates.certManager.receiver)) }}
{{- end }}
