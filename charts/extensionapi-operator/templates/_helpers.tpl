{{/*
Names do not depend on the release: what the operator manages is cluster-wide, so a cluster has one operator.
*/}}
{{- define "extensionapi-operator.labels" -}}
{{ include "extensionapi-operator.selector" . }}
{{ include "extensionapi-operator.labelsOfRelease" . }}
{{- end }}

{{/*
With labels of the object's own. The parameters are the context and these, which win over commonLabels.
*/}}
{{- define "extensionapi-operator.labelsWith" -}}
{{ include "extensionapi-operator.selector" . }}
{{ include "extensionapi-operator.labelsOfReleaseWith" . }}
{{- end }}

{{/*
For Pods that are not the operator's, whose Service and PodDisruptionBudget are not for them.
*/}}
{{- define "extensionapi-operator.labelsOfRelease" -}}
{{ list . dict | include "extensionapi-operator.labelsOfReleaseWith" }}
{{- end }}

{{- define "extensionapi-operator.labelsOfReleaseWith" -}}
{{- $context := index . 0 -}}
app.kubernetes.io/instance: {{ $context.Release.Name | quote }}
app.kubernetes.io/version: {{ $context.Chart.AppVersion | replace "+" "_" | quote }}
app.kubernetes.io/managed-by: {{ $context.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $context.Chart.Name $context.Chart.Version | replace "+" "_" | quote }}
{{- with merge dict (index . 1 | default dict) ($context.Values.commonLabels | default dict) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "extensionapi-operator.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion }}
{{- .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ $tag }}{{ end }}
{{- end }}

{{/*
What the Pod Security standard "restricted" asks for.
*/}}
{{- define "extensionapi-operator.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "extensionapi-operator.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "extensionapi-operator.selector" -}}
app.kubernetes.io/name: extensionapi-operator
{{- end }}

{{/*
What the Pods of hooks have in common, which run the operator's image once. The parameters are the context, the
ServiceAccount, and the arguments of the program.
*/}}
{{- define "extensionapi-operator.checkPod" -}}
{{- $values := .context.Values -}}
restartPolicy: Never
serviceAccountName: {{ .serviceAccount }}
enableServiceLinks: false
{{- with $values.imagePullSecrets }}
imagePullSecrets:
{{- toYaml . | nindent 0 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
{{- toYaml . | nindent 0 }}
{{- end }}
securityContext:
  {{- include "extensionapi-operator.podSecurity" . | nindent 2 }}
containers:
- name: check
  image: {{ include "extensionapi-operator.image" .context }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  args:
  - {{ .argument }}
  env:
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  securityContext:
    {{- include "extensionapi-operator.containerSecurity" . | nindent 4 }}
  resources:
    {{- toYaml $values.resources | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{/*
What the operator does in the namespaces of servers. Services are got and EndpointSlices listed everywhere.
*/}}
{{- define "extensionapi-operator.serverRules" -}}
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# Which Pods are a server's.
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [serviceaccounts, secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
{{- if .Values.certManager.enabled }}
# What spec.server.certificates.certManager asks for.
- apiGroups: [cert-manager.io]
  resources: [certificates]
  verbs: [get, create, patch, delete]
- apiGroups: [cert-manager.io]
  resources: [certificaterequests]
  verbs: [list]
{{- end }}
# How a server fares. A patch takes a replica out of the Service, or puts it back.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [watch]
{{- end }}
