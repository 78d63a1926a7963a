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
{{- range .Values.topologySpreadConstraints }}
{{- /* One that selects nothing would spread nothing. */ -}}
{{- $own := dict "labelSelector" (dict "matchLabels" (include "livepeer-task-operator.selector" $ | fromYaml)) }}
- {{ toYaml (ternary . (merge $own .) (hasKey . "labelSelector")) | nindent 2 | trim }}
{{- end }}
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
