{{/*
Names do not depend on the release: what the operator manages is cluster-wide, so a cluster has one operator.
*/}}
{{- define "extensionapi-operator.labels" -}}
{{ include "extensionapi-operator.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "extensionapi-operator.selector" -}}
app.kubernetes.io/name: extensionapi-operator
{{- end }}
