// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ExtensionAPIStatus is the observed state. It is written only if it has changed.
// +kubebuilder:validation:MinProperties=1
type ExtensionAPIStatus struct {
	// observedGeneration is the metadata.generation that this status is based on; -1 before the operator has observed the
	// object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"` //nolint:kubeapilinter // as in Kubernetes

	// conditions are the state of the ExtensionAPI: Ready summarizes the others; Reconciling and Stalled follow kstatus.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:MinItems=1
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// groups are the names of spec.groups, separated by commas, for a column of kubectl get.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:MinLength=1
	Groups string `json:"groups,omitempty"`

	// readyReplicas is the number of ready replicas: Pods of spec.server, or endpoints of spec.existingService.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ReadyReplicas *int32 `json:"readyReplicas,omitempty"`

	// replicas is the number of Pods of spec.server that are not terminating, for the scale subresource.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Replicas *int32 `json:"replicas,omitempty"`

	// selector selects the Pods of spec.server in its namespace, for the scale subresource.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:MinLength=1
	Selector string `json:"selector,omitempty"`

	// discoveryLatency is the slowest of the last discovery requests through kube-apiserver, over all group-versions.
	// +optional
	// +kubebuilder:validation:Type=string
	DiscoveryLatency *metav1.Duration `json:"discoveryLatency,omitempty"` //nolint:kubeapilinter // people write 5s

	// apiServices is the state of the APIService of each group-version.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:MinItems=1
	APIServices []APIServiceStatus `json:"apiServices,omitempty"`

	// endpoints is the state of the ready replicas of the server, the worst first, at most 10.
	// +optional
	// +listType=map
	// +listMapKey=address
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:MinItems=1
	Endpoints []EndpointStatus `json:"endpoints,omitempty"`

	// blockedNamespaces is the number of namespaces that are being deleted and wait for the API; NamespacesDeletable has
	// the reason.
	// +optional
	// +kubebuilder:validation:Minimum=1
	BlockedNamespaces int32 `json:"blockedNamespaces,omitempty"`

	// certificate is the state of the serving certificate of spec.server.
	// +optional
	Certificate *CertificateStatus `json:"certificate,omitempty"`

	// controllers is the state of each of spec.controllers.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:MinItems=1
	Controllers []ControllerStatus `json:"controllers,omitempty"`

	// storage is the state of spec.server.storage.
	// +optional
	Storage *StorageStatus `json:"storage,omitempty"`

	// standIn is what the operator's stand-in did in place of the server; absent if there was never need for it.
	// +optional
	StandIn *StandInStatus `json:"standIn,omitempty"`
}

// APIServiceStatus is the state of one APIService.
type APIServiceStatus struct {
	// name of the APIService: <version>.<group>.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// available is the status of the APIService's condition Available, as kube-apiserver wrote it; Unknown if another
	// owner has it, unless spec.adoptionPolicy is DryRun, and adoptionChanges compares it.
	// +required
	// +kubebuilder:validation:Enum="True";"False";Unknown
	Available metav1.ConditionStatus `json:"available,omitempty"`

	// heldBy is the other owner that has or wants the group-version; absent if there is none.
	// +optional
	HeldBy *Owner `json:"heldBy,omitempty"`

	// adoptionChanges are the fields of another owner's APIService that adopting it would change, with adoptionPolicy
	// DryRun; at most 32.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:MinItems=1
	AdoptionChanges []FieldChange `json:"adoptionChanges,omitempty"`

	// discovery is the last discovery request through kube-apiserver. It is not rewritten for a change of less than a
	// tenth of spec.discovery.limit.
	// +optional
	Discovery *DiscoveryStatus `json:"discovery,omitempty"`
}

// EndpointStatus is the state of one ready replica, probed directly at its address.
type EndpointStatus struct {
	// address and port of the replica.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	Address string `json:"address,omitempty"`

	// pod behind the address, if known.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Pod string `json:"pod,omitempty"`

	// ejected is since when the replica gets no requests, and why; absent if it gets them.
	// +optional
	Ejected *EjectionStatus `json:"ejected,omitempty"`

	// discovery is the slowest of the last discovery requests, or a failed one. It is not rewritten for a change of less
	// than a tenth of spec.discovery.limit.
	// +optional
	Discovery *DiscoveryStatus `json:"discovery,omitempty"`
}

// DiscoveryStatus is the result of discovery requests.
// +kubebuilder:validation:MinProperties=1
type DiscoveryStatus struct {
	// last is the latency of the last successful request, until the end of the response.
	// +optional
	// +kubebuilder:validation:Type=string
	Last *metav1.Duration `json:"last,omitempty"` //nolint:kubeapilinter // people write 5s

	// p50 is the median latency of the last successful requests, up to 100, over reused connections.
	// +optional
	// +kubebuilder:validation:Type=string
	P50 *metav1.Duration `json:"p50,omitempty"` //nolint:kubeapilinter // people write 5s

	// p99 is the 99th percentile of the same requests.
	// +optional
	// +kubebuilder:validation:Type=string
	P99 *metav1.Duration `json:"p99,omitempty"` //nolint:kubeapilinter // people write 5s

	// max is the maximum of the same requests.
	// +optional
	// +kubebuilder:validation:Type=string
	Max *metav1.Duration `json:"max,omitempty"` //nolint:kubeapilinter // people write 5s

	// samples is the number of requests that p50, p99 and max were computed from when they were written.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Samples int32 `json:"samples,omitempty"`

	// error is why requests fail, once failureThreshold of them in a row have failed, or after the first one if nothing
	// else is known; empty if they succeed.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:MinLength=1
	Error string `json:"error,omitempty"`
}
