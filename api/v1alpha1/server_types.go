// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// ServerContainer is the name of the template's container that serves the API.
const ServerContainer = "apiserver"

// ServingFlags is whether the operator adds command line flags to the server's container.
// +kubebuilder:validation:Enum=Inject;None
type ServingFlags string

const (
	// ServingFlagsInject adds --secure-port, --tls-cert-file and --tls-private-key-file, which servers built on
	// k8s.io/apiserver accept.
	ServingFlagsInject ServingFlags = "Inject"
	// ServingFlagsNone adds nothing; the template must configure port, certificate and key.
	ServingFlagsNone ServingFlags = "None"
)

// Server is an extension API server that the operator runs as a Deployment.
// +kubebuilder:validation:XValidation:rule="!has(self.template.metadata) || !has(self.template.metadata.labels) || ['app.kubernetes.io/component', 'aggregation.extensionapi.dev/extensionapi', 'aggregation.extensionapi.dev/serving'].all(l, !(l in self.template.metadata.labels))",message="spec.server.template.metadata.labels must not hold app.kubernetes.io/component, aggregation.extensionapi.dev/extensionapi or aggregation.extensionapi.dev/serving: the operator sets them, and selects the Pods by them"
// +kubebuilder:validation:XValidation:rule="has(self.template.spec) && self.template.spec.containers.exists(c, c.name == 'apiserver')",message="spec.server.template.spec.containers must hold a container named 'apiserver': it is the one that serves the API"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec) || self.template.spec.containers.all(c, c.name != 'apiserver' || (has(c.image) && c.image.size() > 0))",message="spec.server.template.spec.containers: the container 'apiserver' needs an image"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec) || self.template.spec.containers.all(c, c.name == 'apiserver' || !has(c.ports) || c.ports.all(p, p.containerPort != self.port))",message="spec.server.port is taken by another container of the template: give one of them another port"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec) || !has(self.template.spec.initContainers) || self.template.spec.initContainers.all(c, !has(c.ports) || c.ports.all(p, p.containerPort != self.port))",message="spec.server.port is taken by an init container of the template: give one of them another port"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec) || self.template.spec.containers.all(c, c.name != 'apiserver' || ![(has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])].all(args, args.exists(a, a.startsWith('--secure-port=') && a != '--secure-port=' + string(self.port) && !a.startsWith('--secure-port=$('))))",message="spec.server.template.spec.containers: --secure-port of the container 'apiserver' must be spec.server.port",messageExpression="'spec.server.template.spec.containers: the container \\'apiserver\\' has %s, but spec.server.port is %d: set spec.server.port to the port of the flag, or leave the flag out'.format([self.template.spec.containers.map(c, c.name == 'apiserver', [(has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])].map(args, args.filter(a, a.startsWith('--secure-port=') && a != '--secure-port=' + string(self.port) && !a.startsWith('--secure-port=$('))[0])[0])[0], self.port])"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec) || self.template.spec.containers.all(c, c.name != 'apiserver' || ![(has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])].all(args, args.exists(i, a, i > 0 && args[i - 1] == '--secure-port' && a != string(self.port) && !a.startsWith('$('))))",message="spec.server.template.spec.containers: --secure-port of the container 'apiserver' must be spec.server.port, also where it is an argument of its own",messageExpression="'spec.server.template.spec.containers: the container \\'apiserver\\' has --secure-port %s, but spec.server.port is %d: set spec.server.port to the port of the flag, or leave the flag out'.format([self.template.spec.containers.map(c, c.name == 'apiserver', [(has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])].map(args, args.transformList(i, a, i > 0 && args[i - 1] == '--secure-port' && a != string(self.port) && !a.startsWith('$('), a)[0])[0])[0], self.port])"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec) || self.template.spec.containers.all(c, c.name != 'apiserver' || !has(c.ports) || !c.ports.exists(p, p.containerPort != self.port && has(p.name) && (p.name == 'extension-api' || p.name == 'https' && !c.ports.exists(q, q.containerPort == self.port))))",message="spec.server.template.spec.containers: a port of the container 'apiserver' with the name https or extension-api must be spec.server.port",messageExpression="[self.template.spec.containers.map(c, c.name == 'apiserver', c.ports.filter(p, p.containerPort != self.port && has(p.name) && (p.name == 'extension-api' || p.name == 'https' && !c.ports.exists(q, q.containerPort == self.port)))[0])[0]].map(p, 'spec.server.template.spec.containers: port %d of the container \\'apiserver\\' has the name %s, but spec.server.port is %d: set spec.server.port to that port, or rename it'.format([p.containerPort, p.name, self.port]))[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec) || self.template.spec.containers.all(c, c.name != 'apiserver' || ![?dyn(c).?startupProbe.?httpGet.?port, ?dyn(c).?startupProbe.?tcpSocket.?port, ?dyn(c).?readinessProbe.?httpGet.?port, ?dyn(c).?readinessProbe.?tcpSocket.?port, ?dyn(c).?livenessProbe.?httpGet.?port, ?dyn(c).?livenessProbe.?tcpSocket.?port].exists(port, type(port) == string && (!has(c.ports) || !c.ports.exists(p, has(p.name) && p.name == port)) && (port != 'extension-api' || has(c.ports) && c.ports.exists(p, p.containerPort == self.port && has(p.name)))))",message="spec.server.template.spec.containers: the probes of the container 'apiserver' must use the number of a port, or the name of a port of the container",messageExpression="[self.template.spec.containers.map(c, c.name == 'apiserver', [?dyn(c).?startupProbe.?httpGet.?port, ?dyn(c).?startupProbe.?tcpSocket.?port, ?dyn(c).?readinessProbe.?httpGet.?port, ?dyn(c).?readinessProbe.?tcpSocket.?port, ?dyn(c).?livenessProbe.?httpGet.?port, ?dyn(c).?livenessProbe.?tcpSocket.?port].filter(port, type(port) == string && (!has(c.ports) || !c.ports.exists(p, has(p.name) && p.name == port)) && (port != 'extension-api' || has(c.ports) && c.ports.exists(p, p.containerPort == self.port && has(p.name))))[0])[0]].map(port, 'spec.server.template.spec.containers: a probe of the container \\'apiserver\\' uses port %s, but spec.server.port is %d, and the container has no port of that name: use the number of the port, or name the port of the container so'.format([port, self.port]))[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec) || !has(self.template.spec.restartPolicy) || self.template.spec.restartPolicy == 'Always'",message="spec.server.template.spec.restartPolicy must be Always or left out: the server runs in a Deployment"
// +kubebuilder:validation:XValidation:rule="self.scaleTarget != 'Deployment' || oldSelf.scaleTarget != 'Deployment' || self.replicas == oldSelf.replicas",message="spec.server.replicas has no effect while spec.server.scaleTarget is Deployment: scale the Deployment, or set scaleTarget to ExtensionAPI"
// +kubebuilder:validation:XValidation:rule="(has(self.minReadySeconds) ? self.minReadySeconds : 0) < (has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds : 600)",message="spec.server.progressDeadlineSeconds must be more than minReadySeconds",messageExpression="'spec.server.progressDeadlineSeconds is %d, and must be more than minReadySeconds, which is %d: raise the one or lower the other'.format([has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds : 600, self.minReadySeconds])"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec) || !has(self.template.spec.hostNetwork) || !self.template.spec.hostNetwork || !(self.port in [10248, 10250])",message="spec.server.port must not be 10248 or 10250 with hostNetwork: the kubelet listens on them on every node; choose another, such as 8443"
// +kubebuilder:validation:XValidation:rule="has(self.storage) || !has(oldSelf.storage)",message="spec.server.storage cannot be removed: the server would no longer find its objects. Copy them first, then delete the ExtensionAPI with deletionPolicy Orphan, and create it without storage and with adoptionPolicy Adopt: see docs/storage.md"
// +kubebuilder:validation:XValidation:rule="!has(self.storage) || !has(self.template.spec) || self.template.spec.containers.all(c, c.name != 'apiserver' || ((has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])).all(a, !['--etcd-servers', '--etcd-prefix', '--etcd-cafile', '--etcd-certfile', '--etcd-keyfile'].exists(f, a == f || a.startsWith(f + '='))))",message="spec.server.storage: the operator sets --etcd-servers, --etcd-prefix, --etcd-cafile, --etcd-certfile and --etcd-keyfile of the container 'apiserver': remove them from the template, or leave spec.server.storage out"
type Server struct {
	// namespace in which the server runs. It must exist. Immutable.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="spec.server.namespace must be a DNS label (a-z, 0-9, -)"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec.server.namespace is immutable: delete the ExtensionAPI and recreate it for another namespace"
	Namespace string `json:"namespace,omitempty"`

	// replicas is the number of Pods, 1 to 100; defaults to 2, the minimum for rollouts that lose no request. The scale
	// subresource sets it, too (kubectl scale); a manifest that leaves it out leaves the live value alone.
	// +optional
	// +kubebuilder:default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"` //nolint:kubeapilinter // a pointer as in a Deployment

	// scaleTarget is the object whose replicas count. ExtensionAPI: the Deployment follows spec.server.replicas.
	// Deployment: it is created with spec.server.replicas, which cannot be changed then, and scaled by others, such as a
	// HorizontalPodAutoscaler, which cannot reach an ExtensionAPI: that has no namespace. Defaults to ExtensionAPI.
	// +optional
	// +kubebuilder:default=ExtensionAPI
	ScaleTarget ScaleTarget `json:"scaleTarget,omitempty"`

	// port on which the server listens, 1024 to 65535, as it does not run as root; defaults to 8443.
	// +optional
	// +kubebuilder:default=8443
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// servingFlags is whether the operator adds flags to the container 'apiserver'. Inject adds --secure-port,
	// --tls-cert-file and --tls-private-key-file, each unless the template sets it; None adds nothing. Defaults to Inject.
	// +optional
	// +kubebuilder:default=Inject
	ServingFlags ServingFlags `json:"servingFlags,omitempty"`

	// certificates is the source of the serving certificate. If it is not set, the operator issues it.
	// +optional
	Certificates *Certificates `json:"certificates,omitempty"`

	// outlierEjection Enabled removes a replica whose discovery is unhealthy from the Service while another one is
	// healthy, and restores it when it has recovered; Disabled only reports it. Defaults to Enabled.
	// +optional
	// +kubebuilder:default=Enabled
	OutlierEjection Policy `json:"outlierEjection,omitempty"`

	// maxEjectionPercent is how many of the ready replicas may be ejected at the same time, as a percentage, 1 to 100;
	// rounded down, but at least one replica. The last healthy one is never ejected. Defaults to 50.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxEjectionPercent int32 `json:"maxEjectionPercent,omitempty"`

	// storage is where the server stores its objects, for servers that are built on k8s.io/apiserver. If it is not set,
	// the template configures that. Once it is set, it cannot be removed.
	// +optional
	Storage *Storage `json:"storage,omitempty"`

	// strategy is how a rollout replaces Pods. If it is not set, a rollout starts a new Pod before it stops an old one
	// (maxSurge 1, maxUnavailable 0). Where the template has hostNetwork, a hostPort or a persistentVolumeClaim, a second
	// Pod may be unable to start beside the first one; then a rollout stops an old Pod first (maxSurge 0, maxUnavailable
	// 1). That costs one replica while it lasts: with replicas 1 the API is unavailable in every rollout.
	// +optional
	Strategy *Strategy `json:"strategy,omitempty"`

	// minReadySeconds is for how many seconds a new Pod must be ready before it counts as available and a rollout goes on,
	// 0 to 3600; defaults to 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	MinReadySeconds *int32 `json:"minReadySeconds,omitempty"`

	// progressDeadlineSeconds is after how many seconds without progress a rollout is reported as stalled, 1 to 86400, and
	// more than minReadySeconds; defaults to 600. It is not rolled back.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	ProgressDeadlineSeconds int32 `json:"progressDeadlineSeconds,omitempty"`

	// securityDefaults is what the operator fills in of the security contexts that the template leaves out. Restricted is
	// what Pod Security "restricted" requires, and user, group and fsGroup 65532; the three are left out where OpenShift
	// assigns users (the namespace has the annotation openshift.io/sa.scc.uid-range). None fills in nothing, so that the
	// image, the runtime and admission decide. Defaults to Restricted.
	// +optional
	// +kubebuilder:default=Restricted
	SecurityDefaults SecurityDefaults `json:"securityDefaults,omitempty"`

	// disruptionBudget limits how many Pods a node drain evicts at the same time. If it is not set, it is one.
	// +optional
	DisruptionBudget *DisruptionBudget `json:"disruptionBudget,omitempty"`

	// service adds annotations and ports to the Service, and sets how it is reached.
	// +optional
	Service *ServerService `json:"service,omitempty"`

	// serviceAccount adds annotations to the ServiceAccount that the operator creates. It must not be set if the template
	// names another one.
	// +optional
	ServiceAccount *ServerAccount `json:"serviceAccount,omitempty"`

	// metadata are labels and annotations that are added to every object that the operator creates for the server, except
	// its Pods.
	// +optional
	Metadata *ServerMetadata `json:"metadata,omitempty"`

	// networkPolicy Enabled creates a NetworkPolicy that denies ingress to the server's Pods, except to the ports behind
	// the Service, which are open to every source: kube-apiserver's address is not known, and the server authenticates
	// its clients. Disabled creates none, and deletes an earlier one. Egress is not restricted. Defaults to Disabled.
	// +optional
	// +kubebuilder:default=Disabled
	NetworkPolicy Policy `json:"networkPolicy,omitempty"`

	// serviceMonitor Enabled creates a ServiceMonitor, so that a Prometheus of the Prometheus Operator scrapes /metrics of
	// every replica in the Service. It verifies the serving certificate, and sends the token of its own ServiceAccount.
	// The labels in metadata can make a Prometheus select it. Disabled creates none, and deletes an earlier one. Defaults
	// to Disabled.
	// +optional
	// +kubebuilder:default=Disabled
	ServiceMonitor Policy `json:"serviceMonitor,omitempty"`

	// template is a Pod template as in a Deployment, with a container named 'apiserver'. Fields that are not set get
	// defaults; fields that are set always take precedence.
	// +required
	Template corev1.PodTemplateSpec `json:"template,omitzero"` //nolint:kubeapilinter // rules check it
}

// ExistingService references the Service of an extension API server that is already running.
// +kubebuilder:validation:XValidation:rule="has(self.caBundle) != has(self.caBundleFrom)",message="spec.existingService: set exactly one of caBundle (the PEM certificates themselves) and caBundleFrom (the object that another controller keeps them in)"
type ExistingService struct {
	// namespace of the Service.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="spec.existingService.namespace must be a DNS label (a-z, 0-9, -)"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec.existingService.namespace is immutable: delete the ExtensionAPI with deletionPolicy Orphan, so that it stays available, and recreate it for another namespace"
	Namespace string `json:"namespace,omitempty"`

	// name of the Service.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="spec.existingService.name must be the name of a Service: a DNS label that begins with a letter"
	Name string `json:"name,omitempty"`

	// port of the Service, 1 to 65535; defaults to 443.
	// +optional
	// +kubebuilder:default=443
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// caBundle contains the PEM certificates of the CAs that the server's certificate is verified with. The certificate
	// must be valid for <name>.<namespace>.svc. Exactly one of caBundle and caBundleFrom must be set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=262144
	// +kubebuilder:validation:XValidation:rule="string(self).contains('-----BEGIN CERTIFICATE-----')",message="spec.existingService.caBundle must hold PEM certificates (base64 of -----BEGIN CERTIFICATE----- ...)"
	CABundle []byte `json:"caBundle,omitempty"`

	// caBundleFrom references the object that another controller keeps these PEM certificates in. It is watched. When
	// its content changes, the earlier CAs stay trusted until every kube-apiserver has loaded the new ones and every
	// replica serves a certificate of one of them.
	// +optional
	CABundleFrom *CABundleSource `json:"caBundleFrom,omitempty"`
}
