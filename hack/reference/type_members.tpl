{{- define "type_members" -}}
{{- if eq .Name "metadata" -}}
Name, namespace, labels and annotations, as on every object.
{{- else -}}
{{ .Doc | replace "\n\n" "<br>" | replace "\n" " " | replace "<url>" "&lt;url>" | replace "|" "\\|" }}
{{- end -}}
{{- end -}}
