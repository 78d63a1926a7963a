{{- define "gvList" -}}
<!-- Made by make manifests from the types in api/v1alpha1; change these. -->
# API reference

Every field of both kinds. How to use them: [LivepeerTaskSource](livepeertasksource.md), [LivepeerTask](livepeertask.md). In a cluster,
`kubectl explain lpts.spec` and `kubectl explain lpt.status` say the same. For editors and checks in CI there are
[JSON schemas](install.md#json-schemas-for-editors-and-ci).
{{ range . }}
{{ template "gvDetails" . }}
{{ end -}}
{{- end -}}
