// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ExtensionAPI declares an extension API server (an aggregated API) and the API groups it serves. The operator runs and
// registers it, and reports its state in the status conditions.
//
// The name is also the name of the Service and Deployment, so it is a DNS label; with at most 46 characters the names
// of the Pods do not exceed the 63 characters of a host name.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.server.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:resource:scope=Cluster,shortName=xapi,categories=extensionapi
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Available",type=string,JSONPath=`.status.conditions[?(@.type=="APIServicesAvailable")].status`
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.status.readyReplicas`
// +kubebuilder:printcolumn:name="Discovery",type=string,JSONPath=`.status.discoveryLatency`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Stand-In",type=date,priority=1,JSONPath=`.status.standIn.since`
// +kubebuilder:printcolumn:name="Suspended",type=boolean,priority=1,JSONPath=`.spec.suspend`
// +kubebuilder:printcolumn:name="Within-Limit",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="DiscoveryWithinLimit")].status`
// +kubebuilder:printcolumn:name="Namespace",type=string,priority=1,JSONPath=`.spec['server','existingService'].namespace`
// +kubebuilder:printcolumn:name="Groups",type=string,priority=1,JSONPath=`.status.groups`
// +kubebuilder:printcolumn:name="Cert-Expires",type=string,priority=1,JSONPath=`.status.certificate.notAfter`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be a DNS label that begins with a letter (a-z, 0-9, -): the Service is named after it"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 46",message="metadata.name must have at most 46 characters: Pod names are derived from it and must fit into 63"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.server) || !has(self.spec.server.certificates) || !has(self.spec.server.certificates.secretRef) || !(self.spec.server.certificates.secretRef.name in [self.metadata.name + '-serving-cert', self.metadata.name + '-cert-manager'])",message="spec.server.certificates.secretRef must not name a Secret that the operator writes: <name>-serving-cert or <name>-cert-manager"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.server) || !has(self.spec.server.storage) || !(has(self.spec.server.storage.etcd) && has(self.spec.server.storage.etcd.secretRef) && self.spec.server.storage.etcd.secretRef.name == self.metadata.name + '-storage' || has(self.spec.server.storage.sql) && self.spec.server.storage.sql.secretRef.name == self.metadata.name + '-storage')",message="spec.server.storage: secretRef must not name the Secret that the operator writes, <name>-storage: choose another name"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.server) || !has(self.spec.server.serviceAccount) || !has(self.spec.server.template.spec) || !has(self.spec.server.template.spec.serviceAccountName) || self.spec.server.template.spec.serviceAccountName.size() == 0 || self.spec.server.template.spec.serviceAccountName == self.metadata.name",message="spec.server.serviceAccount annotates the ServiceAccount that the operator creates, but spec.server.template.spec.serviceAccountName names another one: annotate that one yourself, or remove one of these fields"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.controllers) || self.spec.controllers.all(c, !has(c.serviceAccount) || !has(c.template) || (!has(c.template.spec) || !has(c.template.spec.serviceAccountName) || c.template.spec.serviceAccountName.size() == 0 || c.template.spec.serviceAccountName == self.metadata.name + '-' + c.name))",message="spec.controllers[].serviceAccount annotates the ServiceAccount that the operator creates, but its template names another one: annotate that one yourself, or remove one of these fields"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.controllers) || self.spec.controllers.all(c, has(c.deploymentRef) || self.metadata.name.size() + 1 + c.name.size() <= 46)",message="spec.controllers: <metadata.name>-<controller name> must have at most 46 characters: Pod names are derived from it and must fit into 63"
type ExtensionAPI struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the desired state.
	// +required
	Spec ExtensionAPISpec `json:"spec,omitzero"`

	// status is the observed state. Before the first observation observedGeneration is -1, so that kstatus does not report
	// a new object as current.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status ExtensionAPIStatus `json:"status,omitempty,omitzero"` //nolint:kubeapilinter // as in Kubernetes
}

// ExtensionAPIList is a list of ExtensionAPI.
// +kubebuilder:object:root=true
type ExtensionAPIList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ExtensionAPI `json:"items"`
}

// ExtensionAPISpec defines the served API groups and their server.
// +kubebuilder:validation:XValidation:rule="has(self.server) != has(self.existingService)",message="exactly one of spec.server (the operator runs the server) and spec.existingService (it already runs) must be set"
// +kubebuilder:validation:XValidation:rule="has(self.server) || !has(self.controllers) || self.controllers.all(c, has(c.deploymentRef))",message="spec.controllers[].template requires spec.server: such controllers run beside a server that the operator runs; others are referenced with deploymentRef"
// +kubebuilder:validation:XValidation:rule="has(self.server) == has(oldSelf.server)",message="spec.server and spec.existingService cannot be exchanged: delete the ExtensionAPI and create a new one"
type ExtensionAPISpec struct {
	// groups are the API groups that the server serves; there is one APIService for every group-version.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Groups []APIGroup `json:"groups,omitempty"`

	// server is the extension API server that the operator runs.
	// +optional
	Server *Server `json:"server,omitempty"`

	// existingService is the Service of an extension API server that is already running. The operator only registers it,
	// and changes nothing else.
	// +optional
	ExistingService *ExistingService `json:"existingService,omitempty"`

	// controllers are the controllers of the API, which the operator runs beside the server, in its namespace. They are
	// started when every group-version is available, and stopped before the API is unregistered.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Controllers []Controller `json:"controllers,omitempty"`

	// discovery configures how discovery is probed.
	// +optional
	// +kubebuilder:default={}
	Discovery Discovery `json:"discovery,omitempty,omitzero"` //nolint:kubeapilinter // its default is {}

	// adoptionPolicy is what happens to an APIService of another owner for a group-version of this spec. Never leaves it
	// alone; DryRun leaves it alone, and reports in status.apiServices what adopting it would change; Adopt adopts it in
	// place, once every ready replica answers discovery. Adopt also adopts everything that an earlier ExtensionAPI of the
	// same name has orphaned: server, certificates and all APIServices. What belongs to a CustomResourceDefinition, to
	// Kubernetes itself or to another ExtensionAPI is never adopted. Defaults to Never.
	// +optional
	// +kubebuilder:default=Never
	AdoptionPolicy AdoptionPolicy `json:"adoptionPolicy,omitempty"`

	// deletionPolicy is what happens to the server and its APIServices when the ExtensionAPI is deleted. Delete deletes
	// them in order; Orphan leaves everything running, but unmanaged. Defaults to Delete.
	// +optional
	// +kubebuilder:default=Delete
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// suspend stops all changes: nothing is created, repaired, renewed or ejected, while everything is still observed and
	// reported. Deleting the ExtensionAPI or the server's namespace still unregisters the server. Defaults to false.
	// +optional
	Suspend bool `json:"suspend,omitempty"` //nolint:kubeapilinter // named and typed as in CronJob and Job
}

// APIGroup is one API group with its versions.
// +kubebuilder:validation:XValidation:rule="self.name.contains('.')",message="a group name needs a dot (example.com): names without one are Kubernetes' own"
// +kubebuilder:validation:XValidation:rule="self.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="a group name must be a DNS subdomain of lower-case letters, digits, '-' and '.', such as wardle.example.com"
// +kubebuilder:validation:XValidation:rule="!(self.name in ['admissionregistration.k8s.io','apiextensions.k8s.io','apiregistration.k8s.io','authentication.k8s.io','authorization.k8s.io','certificates.k8s.io','coordination.k8s.io','discovery.k8s.io','events.k8s.io','flowcontrol.apiserver.k8s.io','internal.apiserver.k8s.io','networking.k8s.io','node.k8s.io','rbac.authorization.k8s.io','resource.k8s.io','scheduling.k8s.io','storage.k8s.io','storagemigration.k8s.io','aggregation.extensionapi.dev'])",message="this group is served by the cluster itself and cannot be served by an extension API server"
// +kubebuilder:validation:XValidation:rule="self.versions.all(v, v.name.size() + 1 + self.name.size() <= 253)",message="<version>.<group> names the APIService and must have at most 253 characters"
type APIGroup struct {
	// name of the group, a DNS subdomain with at least one dot, such as wardle.example.com.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=251
	Name string `json:"name,omitempty"`

	// groupPriorityMinimum of the APIServices: clients that search all groups for a short name prefer higher ones. CRDs
	// use 1000; Kubernetes' own groups begin at 15800, and stay preferred. 1 to 15000; defaults to 1000.
	// +optional
	// +kubebuilder:default=1000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=15000
	GroupPriorityMinimum int32 `json:"groupPriorityMinimum,omitempty"`

	// sharing is whether versions are registered in a group of which another owner has other versions: a
	// CustomResourceDefinition, Kubernetes itself or another ExtensionAPI. Never registers none in such a group. Allowed
	// registers the versions without an owner; setting it requires the permissions to update CustomResourceDefinitions and
	// APIServices. Defaults to Never.
	// +optional
	// +kubebuilder:default=Never
	Sharing GroupSharing `json:"sharing,omitempty"`

	// versions of the group, the most preferred first. If versionPriority is not set, it is derived from the order.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Versions []APIVersion `json:"versions,omitempty"`
}

// APIVersion is one version of an API group.
type APIVersion struct {
	// name of the version, such as v1 or v1beta1.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="a version must be a DNS label that begins with a letter, such as v1 or v1beta1"
	Name string `json:"name,omitempty"`

	// versionPriority of the APIService: clients that do not name a version get the highest one of the group; of equal
	// ones Kubernetes prefers v2 to v1, and v1 to v1beta1. 1 to 1000; defaults to 100 for the first version of
	// spec.groups[].versions, and one less for each that follows.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	VersionPriority int32 `json:"versionPriority,omitempty"`
}

// Discovery configures how discovery is probed and judged.
type Discovery struct {
	// limit is the time within which a discovery request must be answered. kube-apiserver itself gives up after 5
	// seconds. 1ms to 1m; defaults to 5s.
	// +optional
	// +kubebuilder:default="5s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1ms') && duration(self) <= duration('1m')",message="spec.discovery.limit must be between 1ms and 1m, such as 500ms or 5s; its units are h, m, s and ms"
	Limit *metav1.Duration `json:"limit,omitempty"` //nolint:kubeapilinter // people write 5s

	// interval is the time between two probes of the same group-version. 1s to 1h; defaults to 30s.
	// +optional
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="spec.discovery.interval must be between 1s and 1h, such as 30s or 5m; its units are h, m, s and ms"
	Interval *metav1.Duration `json:"interval,omitempty"` //nolint:kubeapilinter // people write 5s

	// failureThreshold is the number of consecutive probes that must fail or exceed the limit before that is reported, 1
	// to 10; defaults to 3.
	// +optional
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	FailureThreshold int32 `json:"failureThreshold,omitempty"`

	// successThreshold is the number of consecutive probes that must succeed before a failure ends, 1 to 10; defaults to
	// 2.
	// +optional
	// +kubebuilder:default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	SuccessThreshold int32 `json:"successThreshold,omitempty"`

	// warningPercent is the percentage of the limit at which NearLimit is reported, 1 to 100; defaults to 50.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	WarningPercent int32 `json:"warningPercent,omitempty"`

	// standIn is whether the operator serves discovery in place of the server while no replica answers. Automatic does so
	// for group-versions none of whose resources can be deleted, so that namespaces can still be deleted, and Helm and
	// kubectl work; every other request is answered 503. Never leaves discovery to the server. Defaults to Automatic.
	// +optional
	// +kubebuilder:default=Automatic
	StandIn StandInPolicy `json:"standIn,omitempty"`
}
