// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ExtensionAPIStatus is what the operator has observed. It is written only when something in it changed.
// +kubebuilder:validation:MinProperties=1
type ExtensionAPIStatus struct {
	// observedGeneration is the metadata.generation that this status speaks of; -1 before the operator has seen the
	// object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"` //nolint:kubeapilinter // as in Kubernetes

	// conditions tell how it fares: Ready sums up the others; Reconciling and Stalled follow kstatus.
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

	// readyReplicas is how many replicas are ready: Pods of spec.server, or endpoints of spec.existingService.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ReadyReplicas *int32 `json:"readyReplicas,omitempty"`

	// discoveryLatency is the slowest of the last discovery requests through kube-apiserver, over all group-versions.
	// +optional
	// +kubebuilder:validation:Type=string
	DiscoveryLatency *metav1.Duration `json:"discoveryLatency,omitempty"` //nolint:kubeapilinter // people write 5s

	// apiServices tells of the APIService of each group-version.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:MinItems=1
	APIServices []APIServiceStatus `json:"apiServices,omitempty"`

	// endpoints tells of the ready replicas of the server, the worst first, 10 at most.
	// +optional
	// +listType=map
	// +listMapKey=address
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:MinItems=1
	Endpoints []EndpointStatus `json:"endpoints,omitempty"`

	// certificate tells of the serving certificate of spec.server.
	// +optional
	Certificate *CertificateStatus `json:"certificate,omitempty"`
}

// APIServiceStatus tells of one APIService.
type APIServiceStatus struct {
	// name of the APIService: <version>.<group>.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// available is the status of the APIService's condition Available, as kube-apiserver wrote it.
	// +required
	// +kubebuilder:validation:Enum="True";"False";Unknown
	Available metav1.ConditionStatus `json:"available,omitempty"`

	// heldBy is the other owner that has or wants the group-version; absent where there is none.
	// +optional
	HeldBy *Owner `json:"heldBy,omitempty"`

	// adoptionChanges are the fields of another owner's APIService that adopting it would change, with adoptionPolicy
	// DryRun; 32 at most.
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

// EndpointStatus tells of one ready replica, probed straight at its address.
type EndpointStatus struct {
	// address and port of the replica.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	Address string `json:"address,omitempty"`

	// pod behind the address, where it is known.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Pod string `json:"pod,omitempty"`

	// ejected tells since when the replica gets no requests, and why; left out for one that gets them.
	// +optional
	Ejected *EjectionStatus `json:"ejected,omitempty"`

	// discovery is the slowest of the last discovery requests, or a failed one. It is not rewritten for a change of less
	// than a tenth of spec.discovery.limit.
	// +optional
	Discovery *DiscoveryStatus `json:"discovery,omitempty"`
}

// DiscoveryStatus is the outcome of discovery requests.
// +kubebuilder:validation:MinProperties=1
type DiscoveryStatus struct {
	// last is the time from sending the last request that was answered to the end of the answer.
	// +optional
	// +kubebuilder:validation:Type=string
	Last *metav1.Duration `json:"last,omitempty"` //nolint:kubeapilinter // people write 5s

	// p50 is the median time of the last answers, up to 100, over connections that were there before.
	// +optional
	// +kubebuilder:validation:Type=string
	P50 *metav1.Duration `json:"p50,omitempty"` //nolint:kubeapilinter // people write 5s

	// p99 is the 99th percentile of the same answers.
	// +optional
	// +kubebuilder:validation:Type=string
	P99 *metav1.Duration `json:"p99,omitempty"` //nolint:kubeapilinter // people write 5s

	// max is the longest of the same answers.
	// +optional
	// +kubebuilder:validation:Type=string
	Max *metav1.Duration `json:"max,omitempty"` //nolint:kubeapilinter // people write 5s

	// samples is how many answers p50, p99 and max were of when they were written.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Samples int32 `json:"samples,omitempty"`

	// error says why requests fail, once failureThreshold of them in a row did, or from the first one on when nothing else
	// is known; empty when they succeed.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:MinLength=1
	Error string `json:"error,omitempty"`
}
