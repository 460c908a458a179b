{{- define "gvDetails" -}}
The resource is `{{ .GroupVersionString }}`.

{{- $types := list }}
{{- range .SortedTypes }}{{ if markdownShouldRenderType . }}{{ $types = append $types . }}{{ end }}{{ end }}
{{ range $types }}
- {{ markdownRenderTypeLink . }}
{{- end }}
{{ range $types }}
{{ template "type" . }}
{{- end }}
{{- end -}}
