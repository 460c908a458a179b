// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// DisruptionBudget is the PodDisruptionBudget of a server. If neither minAvailable nor maxUnavailable is set, one Pod
// at a time may be evicted.
// +kubebuilder:validation:XValidation:rule="!has(self.minAvailable) || !has(self.maxUnavailable)",message="spec.server.disruptionBudget: set minAvailable or maxUnavailable, not both"
// +kubebuilder:validation:MinProperties=1
type DisruptionBudget struct {
	// policy Enabled creates a PodDisruptionBudget; Disabled creates none and deletes an earlier one, for users who create
	// their own. Defaults to Enabled.
	// +optional
	// +kubebuilder:default=Enabled
	Policy Policy `json:"policy,omitempty"`

	// minAvailable is how many Pods a node drain must leave available: a number up to 100, or a percentage such as 50%. As
	// many as spec.server.replicas block every drain.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:XValidation:rule="type(self) == string ? self.matches('^(100|[0-9]{1,2})%$') : self >= 0 && self <= 100",message="spec.server.disruptionBudget.minAvailable must be a number from 0 to 100, or a percentage from 0% to 100%"
	MinAvailable *intstr.IntOrString `json:"minAvailable,omitempty"`

	// maxUnavailable is how many Pods a node drain may make unavailable at the same time: a number up to 100, or a
	// percentage such as 50%. 0 blocks every drain.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:XValidation:rule="type(self) == string ? self.matches('^(100|[0-9]{1,2})%$') : self >= 0 && self <= 100",message="spec.server.disruptionBudget.maxUnavailable must be a number from 0 to 100, or a percentage from 0% to 100%"
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// ServerService adds to the Service of a server, which has port 443, named https, for kube-apiserver.
// +kubebuilder:validation:MinProperties=1
type ServerService struct {
	// annotations of the Service, such as those of a service mesh; at most 32.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="!self.exists(key, key.startsWith('aggregation.extensionapi.dev/'))",message="spec.server.service.annotations must not hold keys that begin with aggregation.extensionapi.dev/: they are the operator's"
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="spec.server.service.annotations: a key has up to 63 letters, digits, - _ and ., after an optional DNS name and a slash"
	Annotations map[string]AnnotationValue `json:"annotations,omitempty"`

	// ports that the Service has besides 443, such as one for metrics; at most 16.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(p, self.exists_one(q, q.port == p.port && q.protocol == p.protocol))",message="spec.server.service.ports: two ports have the same number and protocol: give one of them another number"
	Ports []ServerServicePort `json:"ports,omitempty"`

	// ipFamilyPolicy is whether the Service has addresses of both IP families: SingleStack, PreferDualStack or
	// RequireDualStack. kube-apiserver uses the first family. If it is not set, Kubernetes chooses.
	// +optional
	// +kubebuilder:validation:Enum=SingleStack;PreferDualStack;RequireDualStack
	IPFamilyPolicy corev1.IPFamilyPolicy `json:"ipFamilyPolicy,omitempty"`

	// ipFamilies are IPv4 and IPv6, in the order of preference. Kubernetes does not let the first one of an existing
	// Service change. If they are not set, Kubernetes chooses.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:items:Enum=IPv4;IPv6
	// +kubebuilder:validation:XValidation:rule="self.size() < 2 || self[0] != self[1]",message="spec.server.service.ipFamilies must not name the same family twice"
	IPFamilies []corev1.IPFamily `json:"ipFamilies,omitempty"`

	// trafficDistribution is which replicas clients inside the cluster prefer: PreferSameZone, which older versions of
	// Kubernetes call PreferClose, or PreferSameNode. If it is not set, all are equal.
	// +optional
	// +kubebuilder:validation:Enum=PreferClose;PreferSameZone;PreferSameNode
	TrafficDistribution string `json:"trafficDistribution,omitempty"`
}

// ServerServicePort is a port of the Service besides 443.
// +kubebuilder:validation:XValidation:rule="self.port != 443",message="spec.server.service.ports: kube-apiserver sends requests to port 443, which the operator sets: choose another number"
// +kubebuilder:validation:XValidation:rule="self.name != 'https'",message="spec.server.service.ports: the operator names port 443 https: choose another name"
type ServerServicePort struct {
	// name of the port, a DNS label.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="spec.server.service.ports: a name must be a DNS label (a-z, 0-9, -), such as metrics"
	Name string `json:"name,omitempty"`

	// port is the number that clients connect to, 1 to 65535.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// targetPort is the number or the name of a container's port; defaults to port.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^([a-z0-9]+-)*[a-z0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:XValidation:rule="type(self) == string || self >= 1 && self <= 65535",message="spec.server.service.ports: targetPort must be a number from 1 to 65535, or the name of a container's port"
	TargetPort *intstr.IntOrString `json:"targetPort,omitempty"`

	// protocol is TCP, UDP or SCTP; defaults to TCP.
	// +optional
	// +kubebuilder:default=TCP
	// +kubebuilder:validation:Enum=TCP;UDP;SCTP
	Protocol corev1.Protocol `json:"protocol,omitempty"`
}

// ServerAccount adds to the ServiceAccount that the operator creates for a server or a controller.
// +kubebuilder:validation:MinProperties=1
type ServerAccount struct {
	// annotations of the ServiceAccount, such as the role of a cloud provider that the Pods get (workload
	// identity); at most 32.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="!self.exists(key, key.startsWith('aggregation.extensionapi.dev/'))",message="serviceAccount.annotations must not hold keys that begin with aggregation.extensionapi.dev/: they are the operator's"
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="serviceAccount.annotations: a key has up to 63 letters, digits, - _ and ., after an optional DNS name and a slash"
	Annotations map[string]AnnotationValue `json:"annotations,omitempty"`
}

// LabelValue is the value of a label: up to 63 letters, digits, - _ and ., the first and last a letter or a digit.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`
type LabelValue string

// AnnotationValue is the value of an annotation, up to 4096 characters.
// +kubebuilder:validation:MaxLength=4096
type AnnotationValue string

// ServerMetadata are labels and annotations of the objects that the operator creates for a server and its controllers.
// The Pods have those of the template instead, so that a change replaces no Pod. The Secret with the CA's key, which is
// in the operator's namespace, does not have them either: annotations could have another controller copy it.
// +kubebuilder:validation:MinProperties=1
type ServerMetadata struct {
	// labels of the objects, in addition to those of the operator; at most 32.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="!self.exists(key, key.startsWith('aggregation.extensionapi.dev/') || key in ['app.kubernetes.io/managed-by', 'app.kubernetes.io/component'])",message="spec.server.metadata.labels must not hold app.kubernetes.io/managed-by, app.kubernetes.io/component or keys that begin with aggregation.extensionapi.dev/: the operator sets them"
	// +kubebuilder:validation:XValidation:rule="!self.exists(key, !key.startsWith('app.kubernetes.io/') && key.matches('^([^/]+[.])?(kubernetes|k8s)[.]io/'))",message="spec.server.metadata.labels must not hold keys in the domains kubernetes.io and k8s.io, except app.kubernetes.io: they are instructions to Kubernetes"
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="spec.server.metadata.labels: a key has up to 63 letters, digits, - _ and ., after an optional DNS name and a slash"
	Labels map[string]LabelValue `json:"labels,omitempty"`

	// annotations of the objects, in addition to those of the operator; at most 32.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="!self.exists(key, key.startsWith('aggregation.extensionapi.dev/'))",message="spec.server.metadata.annotations must not hold keys that begin with aggregation.extensionapi.dev/: they are the operator's"
	// +kubebuilder:validation:XValidation:rule="!self.exists(key, !key.startsWith('app.kubernetes.io/') && key.matches('^([^/]+[.])?(kubernetes|k8s)[.]io/'))",message="spec.server.metadata.annotations must not hold keys in the domains kubernetes.io and k8s.io, except app.kubernetes.io: they are instructions to Kubernetes"
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="spec.server.metadata.annotations: a key has up to 63 letters, digits, - _ and ., after an optional DNS name and a slash"
	Annotations map[string]AnnotationValue `json:"annotations,omitempty"`
}
