{{- define "rules" -}}
{{ range index . "kubebuilder:validation:XValidation" }}
- {{ .Message | replace "<" "&lt;" }}
{{- end }}
{{- end -}}

{{- /* The comment of a value begins with the name of its Go constant, which says nothing to a user. */ -}}
{{- define "type" -}}
## {{ .Name }}

{{ .Doc | replace "<" "&lt;" }}
{{ if .References }}
Appears in {{ range $i, $type := .SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $type }}{{ end }}.
{{ end }}
{{- with index .Markers "kubebuilder:validation:XValidation" }}
Refused unless these hold:
{{ template "rules" $.Markers }}
{{ end }}
{{- if .Members }}
| field | type | default | description |
|---|---|---|---|
{{- range .Members }}
{{ template "field" . }}
{{- end }}
{{ end }}
{{- if .EnumValues }}
| value | meaning |
|---|---|
{{- range .EnumValues }}
| `{{ .Name }}` | {{ template "text" (.Doc | trim | regexFind "(?s) .*" | trim) }} |
{{- end }}
{{ end }}
{{- end -}}
