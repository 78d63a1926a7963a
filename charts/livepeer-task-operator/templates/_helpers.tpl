{{- define "livepeer-task-operator.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "livepeer-task-operator.image" -}}
{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "livepeer-task-operator.selector" -}}
app.kubernetes.io/component: manager
app.kubernetes.io/name: livepeer-task-operator
{{- end }}

{{- define "livepeer-task-operator.serviceAccount" -}}
{{ .Values.serviceAccount.name | default "livepeer-task-operator-controller-manager" }}
{{- end }}

{{- /* The names of the Secrets with certificates; empty where there is none. */ -}}
{{- define "livepeer-task-operator.metricsCertificate" -}}
{{ .Values.certificates.metrics | default (ternary "livepeer-task-operator-metrics-certificate" "" .Values.certificates.certManager.enabled) }}
{{- end }}

{{- define "livepeer-task-operator.receiverCertificate" -}}
{{ .Values.certificates.receiver | default (ternary "livepeer-task-operator-receiver-certificate" "" .Values.certificates.certManager.enabled) }}
{{- end }}
