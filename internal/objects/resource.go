// SPDX-License-Identifier: Apache-2.0

// Package objects holds what a server answers to requests for its objects and for the documents about them, what is
// wrong with that, and who in Kubernetes depends on it. It is pure.
package objects

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
)

// Resource is a resource of a group-version, as its discovery describes it.
type Resource struct {
	GroupVersion schema.GroupVersion
	documents.Resource
}

// String returns the name that kubectl accepts: gadgets.v1.example.com.
func (r Resource) String() string {
	return r.Name + "." + r.GroupVersion.Version + "." + r.GroupVersion.Group
}

// GroupVersionResource returns the resource without what it advertises.
func (r Resource) GroupVersionResource() schema.GroupVersionResource {
	return r.GroupVersion.WithResource(r.Name)
}

// isEmptied reports whether the namespace controller deletes the objects when their namespace is deleted
// (k8s.io/kubernetes pkg/controller/namespace/deletion/namespaced_resources_deleter.go).
func (r Resource) isEmptied() bool { return r.Namespaced && r.Deletable }

// isCollected reports whether the garbage collector watches the objects
// (k8s.io/kubernetes pkg/controller/garbagecollector/garbagecollector.go).
func (r Resource) isCollected() bool { return r.Deletable && r.Listable && r.Watchable }

// isCounted reports whether ResourceQuota watches the objects
// (k8s.io/kubernetes pkg/controller/resourcequota/resource_quota_controller.go).
func (r Resource) isCounted() bool { return r.isCollected() && r.Creatable }

// differs reports whether it has another scope or other verbs that Kubernetes' controllers act on.
func (r Resource) differs(other documents.Resource) bool {
	other.MoreThanGet = r.MoreThanGet
	return r.Resource != other
}
