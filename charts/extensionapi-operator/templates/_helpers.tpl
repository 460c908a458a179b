{{/*
Names do not depend on the release: the operator manages cluster-scoped objects, so a cluster has one operator.
*/}}
{{- define "extensionapi-operator.labels" -}}
{{ include "extensionapi-operator.selector" . }}
{{ include "extensionapi-operator.labelsOfRelease" . }}
{{- end }}

{{/*
Labels with additional ones of the object. The parameters are the context and these labels, which take precedence over
commonLabels.
*/}}
{{- define "extensionapi-operator.labelsWith" -}}
{{ include "extensionapi-operator.selector" . }}
{{ include "extensionapi-operator.labelsOfReleaseWith" . }}
{{- end }}

{{/*
Labels of Pods other than the operator's, which its Service and PodDisruptionBudget must not select.
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
The security context that the Pod Security Standard "restricted" requires.
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
The Pod spec of hooks, which run the operator's image once. The parameters are the context, the ServiceAccount, and the
argument of the program.
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
The operator's permissions in the namespaces of servers. Getting Services and listing EndpointSlices is allowed in all
namespaces.
*/}}
{{- define "extensionapi-operator.serverRules" -}}
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
# To find the Pods of a server.
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [serviceaccounts, secrets]
  verbs: [get, list, watch, create, patch, delete]
# The CA bundle of spec.existingService.caBundleFrom.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# The leader election of controllers. An admission policy restricts the names, and the roles are those of the ClusterRole.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [get, list, watch, create, patch, delete]
# For spec.server.serviceMonitor.
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors]
  verbs: [get, create, patch, delete]
{{- if .Values.certManager.enabled }}
# For spec.server.certificates.certManager.
- apiGroups: [cert-manager.io]
  resources: [certificates]
  verbs: [get, create, patch, delete]
- apiGroups: [cert-manager.io]
  resources: [certificaterequests]
  verbs: [list]
{{- end }}
# The state of a server. A patch ejects a replica from the Service, or restores it.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [watch]
# Why a Pod is not ready.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
{{- end }}
