{{- define "gvDetails" -}}
{{- $gv := . -}}
## {{ $gv.GroupVersionString }}

The kinds are {{ range $i, $kind := $gv.SortedKinds }}{{ if $i }} and {{ end }}{{ $gv.TypeForKind $kind | markdownRenderTypeLink }}{{ end }}. All other
types are parts of these, in the order of the alphabet.
{{ range $gv.SortedKinds }}
{{ template "type" ($gv.TypeForKind .) }}
{{- end }}
{{- range $gv.SortedTypes }}
{{- if not .GVK }}
{{ template "type" . }}
{{- end }}
{{- end }}
{{- end -}}
