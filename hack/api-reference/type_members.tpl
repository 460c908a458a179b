{{- define "text" -}}
{{ . | replace "<" "&lt;" | replace "\n" " " | markdownRenderFieldDoc }}
{{- end -}}

{{- /* A field of a type of its own has that type's rules, which stand there; bytes are base64 in YAML. */ -}}
{{- define "field" -}}
{{- $type := markdownRenderType .Type -}}
{{- if eq $type "integer array" }}{{ $type = "string (base64)" }}{{ end -}}
{{- $required := has "Required: {}" .Validation -}}
| `{{ .Name }}` | {{ $type }}{{ if $required }}, required{{ end }} | {{ if .Default }}`{{ .Default | replace "{  }" "{}" }}`{{ end }} | {{ template "text" .Doc }}
{{- $limits := list }}
{{- range .Validation }}
{{- if and (not (contains ": {}" .)) (ne . "Type: string") (not (hasPrefix "Enum:" .)) }}{{ $limits = append $limits . }}{{ end }}
{{- end }}
{{- with $limits }} _{{ join ", " . }}._{{ end }}
{{- if not (contains "](#" $type) }}
{{- range index .Markers "kubebuilder:validation:XValidation" }} _{{ .Message | replace "<" "&lt;" }}._{{ end }}
{{- end }} |
{{- end -}}
