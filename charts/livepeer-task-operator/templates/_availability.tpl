{{- /* What keeps replicas running: their priority, and where they run. */ -}}
{{- define "livepeer-task-operator.availability" -}}
{{- $several := gt (int .Values.replicaCount) 1 }}
{{- if .Values.priorityClassName }}
priorityClassName: {{ .Values.priorityClassName | quote }}
{{- else if $several }}
priorityClassName: {{ include "livepeer-task-operator.prefix" . | quote }}
{{- end }}
{{- if .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml .Values.topologySpreadConstraints | nindent 2 }}
{{- else if $several }}
topologySpreadConstraints:
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "livepeer-task-operator.selector" . | nindent 6 }}
{{- end }}
{{- end }}
