// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Storage is where a server that is built on k8s.io/apiserver stores its objects: one of etcd, sql and standalone. The
// operator fills in the flags and the volumes of the container 'apiserver' for it.
// +kubebuilder:validation:XValidation:rule="[has(self.etcd), has(self.sql), has(self.standalone)].filter(x, x).size() == 1",message="spec.server.storage: set exactly one of etcd, sql and standalone"
// +kubebuilder:validation:XValidation:rule="has(self.etcd) == has(oldSelf.etcd) && has(self.sql) == has(oldSelf.sql)",message="spec.server.storage cannot change to another kind: the server would no longer find its objects. Copy them first, then delete the ExtensionAPI with deletionPolicy Orphan, and create it with the new storage and adoptionPolicy Adopt: see docs/tasks/storage.md"
// +kubebuilder:validation:MinProperties=1
type Storage struct {
	// etcd is an etcd cluster that is run otherwise.
	// +optional
	Etcd *EtcdStorage `json:"etcd,omitempty"`

	// sql is a PostgreSQL or MySQL database that is run otherwise. The operator adds kine to the server's Pods, which
	// translates the API of etcd.
	// +optional
	SQL *SQLStorage `json:"sql,omitempty"`

	// standalone is one etcd member with a PersistentVolumeClaim, which the operator runs beside the server: for demos and
	// small installations, since the API is unavailable whenever the member is.
	// +optional
	Standalone *StandaloneStorage `json:"standalone,omitempty"`
}

// EtcdStorage is an etcd cluster that is run otherwise.
// +kubebuilder:validation:XValidation:rule="self.endpoints.all(e, e.startsWith('https://')) || self.endpoints.all(e, e.startsWith('http://'))",message="spec.server.storage.etcd.endpoints must all begin with https://, or all with http://"
// +kubebuilder:validation:XValidation:rule="self.endpoints.all(e, e.startsWith('http://')) || has(self.secretRef)",message="spec.server.storage.etcd.secretRef is missing: with https the server needs the CA of etcd, in the key ca.crt of a Secret, and where etcd authenticates clients also tls.crt and tls.key"
// +kubebuilder:validation:XValidation:rule="self.endpoints.all(e, e.startsWith('https://')) || !has(self.secretRef)",message="spec.server.storage.etcd.secretRef has no effect with http: set endpoints with https, or leave it out"
// +kubebuilder:validation:XValidation:rule="has(self.prefix) == has(oldSelf.prefix) && (!has(self.prefix) || self.prefix == oldSelf.prefix)",message="spec.server.storage.etcd.prefix cannot change: the server would no longer find its objects. Copy them first, then delete the ExtensionAPI with deletionPolicy Orphan, and create it with the new prefix and adoptionPolicy Adopt: see docs/tasks/storage.md"
type EtcdStorage struct {
	// endpoints are the client URLs of the members, such as https://etcd-0.etcd.storage.svc:2379; at most 9.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=9
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=300
	// +kubebuilder:validation:XValidation:rule="self.all(e, e.matches('^https?://([a-z0-9]([-a-z0-9.]*[a-z0-9])?|[[][0-9a-f:.]+[]]):[0-9]{1,5}$'))",message="spec.server.storage.etcd.endpoints must be URLs of a scheme, a host and a port, such as https://etcd.storage.svc:2379"
	Endpoints []string `json:"endpoints,omitempty"`

	// secretRef references a Secret in the server's namespace with the CA of etcd in ca.crt and, where etcd authenticates
	// clients, a client certificate in tls.crt with its key in tls.key. It is required with https.
	// +optional
	SecretRef *StorageSecretReference `json:"secretRef,omitempty"`

	// prefix is the path below which the server stores its objects, such as /registry/wardle.example.com. Servers that
	// share an etcd need different ones. It cannot change. If it is not set, the server chooses it.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[A-Za-z0-9._-]+)+$') && !self.contains('/.')",message="spec.server.storage.etcd.prefix must be a path such as /registry/wardle.example.com"
	Prefix string `json:"prefix,omitempty"`
}

// SQLStorage is a database that is run otherwise.
type SQLStorage struct {
	// secretRef references a Secret in the server's namespace with the data source name of the database in dsn, such as
	// postgres://user:password@host:5432/database or mysql://user:password@tcp(host:3306)/database. With the CA of the
	// database in ca.crt, the connection is verified; a client certificate may be in tls.crt, with its key in tls.key.
	// +required
	SecretRef StorageSecretReference `json:"secretRef,omitzero"`
}

// StorageSecretReference references a Secret in the server's namespace. The operator verifies what is in it, and copies
// it to the Secret <name>-storage, which the server's Pods mount. An invalid update is reported, and the last valid
// content stays in use.
type StorageSecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="spec.server.storage: secretRef.name must be the name of a Secret: lower-case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`
}

// VolumeRetentionPolicy is what happens to a volume when the ExtensionAPI is deleted.
// +kubebuilder:validation:Enum=Retain;Delete
type VolumeRetentionPolicy string

const (
	// VolumeRetain keeps the PersistentVolumeClaim; an ExtensionAPI of the same name in the same namespace uses it again.
	VolumeRetain VolumeRetentionPolicy = "Retain"
	// VolumeDelete deletes it, and all objects with it.
	VolumeDelete VolumeRetentionPolicy = "Delete"
)

// StandaloneStorage is one etcd member that the operator runs: the StatefulSet, Service and NetworkPolicy
// <name>-etcd.
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",message="spec.server.storage.standalone.storageClassName cannot change: the volume exists. Copy the objects to another storage instead: see docs/tasks/storage.md"
// +kubebuilder:validation:MinProperties=1
type StandaloneStorage struct {
	// size of the volume, 1Gi to 64Gi; defaults to 2Gi. etcd refuses writes before the volume is full: it uses up to a
	// third of what is left beside 512Mi, and up to 8Gi. It cannot change.
	// +optional
	// +kubebuilder:default="2Gi"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).compareTo(quantity('1Gi')) >= 0 && quantity(string(self)).compareTo(quantity('64Gi')) <= 0",message="spec.server.storage.standalone.size must be between 1Gi and 64Gi"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec.server.storage.standalone.size cannot change: Kubernetes does not let a StatefulSet change its volume. Copy the objects to another storage instead: see docs/tasks/storage.md"
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName is the StorageClass of the volume. If it is not set, the cluster's default is used. It cannot
	// change.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"` //nolint:kubeapilinter // "" differs from none in a claim

	// volumeRetentionPolicy is what happens to the PersistentVolumeClaim when the ExtensionAPI is deleted. Retain keeps
	// it, and an ExtensionAPI of the same name uses it again; Delete deletes it, with all objects. Defaults to Retain.
	// +optional
	// +kubebuilder:default=Retain
	VolumeRetentionPolicy VolumeRetentionPolicy `json:"volumeRetentionPolicy,omitempty"`
}

// StorageStatus is the state of the storage of a server.
// +kubebuilder:validation:MinProperties=1
type StorageStatus struct {
	// endpoints are the addresses of the storage, as the operator reaches them.
	// +optional
	// +listType=map
	// +listMapKey=address
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Endpoints []StorageEndpointStatus `json:"endpoints,omitempty"`

	// certificateNotAfter is when the client certificate expires that the server has for the storage.
	// +optional
	CertificateNotAfter *metav1.Time `json:"certificateNotAfter,omitempty"`
}

// StorageEndpointStatus is the state of one address of the storage.
type StorageEndpointStatus struct {
	// address is the host and the port.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	Address string `json:"address,omitempty"`

	// available is whether it answers the operator.
	// +required
	// +kubebuilder:validation:Enum="True";"False";Unknown
	Available metav1.ConditionStatus `json:"available,omitempty"`

	// since is when available became what it is.
	// +required
	Since metav1.Time `json:"since,omitempty,omitzero"` //nolint:kubeapilinter // never left out

	// error is why it does not answer, or what it reports to be wrong.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Error string `json:"error,omitempty"`

	// certificateNotAfter is when the certificate expires that it serves.
	// +optional
	CertificateNotAfter *metav1.Time `json:"certificateNotAfter,omitempty"`
}
