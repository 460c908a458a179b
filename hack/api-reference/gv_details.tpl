{{- define "gvDetails" -}}
The resource is `{{ .GroupVersionString }}`.

{{- /* From the outside in, then by name. */ -}}
{{- $first := list "ExtensionAPI" "ExtensionAPISpec" "ExtensionAPIStatus" }}
{{- $types := list }}
{{- $sorted := .SortedTypes }}
{{- range $name := $first }}{{ range $sorted }}{{ if eq .Name $name }}{{ $types = append $types . }}{{ end }}{{ end }}{{ end }}
{{- range $sorted }}{{ if and (markdownShouldRenderType .) (not (has .Name $first)) }}{{ $types = append $types . }}{{ end }}{{ end }}
{{ range $types }}
- {{ markdownRenderTypeLink . }}
{{- end }}
{{ range $types }}
{{ template "type" . }}
{{- end }}
{{- end -}}
