{{- define "gvList" -}}
# API reference

<!-- Written by `make generate` from the Go types in api/v1alpha1; change the comments there. -->

Every field of an `ExtensionAPI` (short name `xapi`), with its default and what the API server refuses. A duration is a
string such as `500ms`, `30s` or `1h30m`; a time is one such as `2026-11-22T18:00:00Z`. The conditions in
`status.conditions` are in [conditions.md](conditions.md), a complete example is
[in the samples](../../config/samples/wardle.yaml). The same is in the cluster: `kubectl explain xapi.spec`.
{{ range . }}
{{ template "gvDetails" . }}
{{- end }}
{{- end -}}
