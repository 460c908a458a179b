// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// AdoptionPolicy says what happens to an APIService of another owner.
// +kubebuilder:validation:Enum=Never;DryRun;Adopt
type AdoptionPolicy string

const (
	// AdoptionNever leaves it alone.
	AdoptionNever AdoptionPolicy = "Never"
	// AdoptionDryRun leaves it alone, and reports what adopting it would change.
	AdoptionDryRun AdoptionPolicy = "DryRun"
	// AdoptionAdopt takes it over in place.
	AdoptionAdopt AdoptionPolicy = "Adopt"
)

// DeletionPolicy says what becomes of what an ExtensionAPI stands for when it is deleted.
// +kubebuilder:validation:Enum=Delete;Orphan
type DeletionPolicy string

const (
	// DeletionDelete removes everything in order.
	DeletionDelete DeletionPolicy = "Delete"
	// DeletionOrphan leaves everything running.
	DeletionOrphan DeletionPolicy = "Orphan"
)

// GroupSharing says whether a group may be served by several.
// +kubebuilder:validation:Enum=Never;Allowed
type GroupSharing string

const (
	// SharingNever leaves a group to the owner of another of its versions.
	SharingNever GroupSharing = "Never"
	// SharingAllowed takes the versions of the group that have no owner.
	SharingAllowed GroupSharing = "Allowed"
)
