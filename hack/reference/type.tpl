{{- define "type" -}}
{{- $type := . -}}
{{- if markdownShouldRenderType $type -}}
### {{ $type.Name }}

{{ $type.Doc | replace "<" "&lt;" }}
{{ if $type.References }}
Appears in: {{ range $i, $reference := $type.SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $reference }}{{ end }}
{{ end }}
{{- if $type.Members }}
| field | type | description |
|---|---|---|
{{ if $type.GVK -}}
| `apiVersion` | string | `{{ $type.GVK.Group }}/{{ $type.GVK.Version }}` |
| `kind` | string | `{{ $type.GVK.Kind }}` |
{{ end -}}
{{ range $type.Members -}}
| `{{ .Name }}` | {{ markdownRenderType .Type }} | {{ template "type_members" . }}{{ template "rules" . }} |
{{ end -}}
{{ end -}}
{{- end -}}
{{- end -}}

{{- define "rules" -}}
{{- if and .Default (ne (.Default | toString) "{  }") }} Default: `{{ .Default }}`.{{ end -}}
{{- range .Validation -}}
{{- $rule := . | replace ": {}" "" -}}
{{- if not (has $rule (list "Optional" "Schemaless" "Type: string")) }} {{ $rule | replace "1e+07" "10000000" | replace "items:" "Items: " }}.{{ end -}}
{{- end -}}
{{- end -}}
