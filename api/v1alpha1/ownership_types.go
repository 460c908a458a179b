// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// AdoptionPolicy is what happens to an APIService of another owner.
// +kubebuilder:validation:Enum=Never;DryRun;Adopt
type AdoptionPolicy string

const (
	// AdoptionNever leaves it alone.
	AdoptionNever AdoptionPolicy = "Never"
	// AdoptionDryRun leaves it alone, and reports what adopting it would change.
	AdoptionDryRun AdoptionPolicy = "DryRun"
	// AdoptionAdopt adopts it in place.
	AdoptionAdopt AdoptionPolicy = "Adopt"
)

// DeletionPolicy is what happens to the managed resources of an ExtensionAPI when it is deleted.
// +kubebuilder:validation:Enum=Delete;Orphan
type DeletionPolicy string

const (
	// DeletionDelete deletes everything in order.
	DeletionDelete DeletionPolicy = "Delete"
	// DeletionOrphan leaves everything running.
	DeletionOrphan DeletionPolicy = "Orphan"
)

// GroupSharing is whether a group may be served by several owners.
// +kubebuilder:validation:Enum=Never;Allowed
type GroupSharing string

const (
	// SharingNever registers no version in a group of which another owner has a version.
	SharingNever GroupSharing = "Never"
	// SharingAllowed registers the versions of the group that have no owner.
	SharingAllowed GroupSharing = "Allowed"
)

// Owner is another owner of a group-version.
type Owner struct {
	// kind is ExtensionAPI, CustomResourceDefinition, HelmRelease, ClusterServiceVersion or that of the object in the
	// owner references; FieldManager if only the last writer is known; Kubernetes for kube-apiserver itself.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind,omitempty"`

	// namespace of a Helm release.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:MinLength=1
	Namespace string `json:"namespace,omitempty"`

	// name of the owner; empty for Kubernetes, and if it is unknown.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name,omitempty"`
}

// FieldChange is the change of one field.
type FieldChange struct {
	// field is its path, such as spec.groupPriorityMinimum or metadata.labels[app].
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Field string `json:"field,omitempty"`

	// from is its current value; absent if there is none.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	From *string `json:"from,omitempty"` //nolint:kubeapilinter // an empty label differs from none

	// to is its new value; absent if it is removed.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	To *string `json:"to,omitempty"` //nolint:kubeapilinter // an empty label differs from none
}
