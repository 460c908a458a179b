// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Resource is a kind that is served, in each version that has a type of its name.
type Resource interface {
	// New and NewList return empty objects of the hub version.
	New() runtime.Object
	NewList() runtime.Object
	// UsesEtcd reports whether the server needs the flags for etcd.
	UsesEtcd() bool
	// Storage returns what answers requests, by path: sprockets, sprockets/status. Which verbs it advertises follows from
	// the interfaces of k8s.io/apiserver/pkg/registry/rest that it implements.
	Storage(Environment) (map[string]rest.Storage, error)
}

// Environment is what a Resource is served in.
type Environment struct {
	// Scheme has the types of all resources.
	Scheme *runtime.Scheme
	// Kind is the hub version of the resource.
	Kind schema.GroupVersionKind
	// Options are for storage in etcd; nil if no resource uses it.
	Options generic.RESTOptionsGetter
}

// Resource returns the group and name of a resource.
func (e Environment) Resource(name string) schema.GroupResource {
	return schema.GroupResource{Group: e.Kind.Group, Resource: name}
}

// versions returns the versions of the kind.
func (e Environment) versions() []schema.GroupVersion {
	var versions []schema.GroupVersion
	for _, version := range e.Scheme.PrioritizedVersionsForGroup(e.Kind.Group) {
		if e.Scheme.Recognizes(version.WithKind(e.Kind.Kind)) {
			versions = append(versions, version)
		}
	}
	return versions
}

// Names are the names of a resource.
type Names struct {
	// Plural and Singular are in lower case: sprockets, sprocket.
	Plural, Singular string
	// Short are abbreviations for kubectl, and Categories groups of resources such as all.
	Short, Categories []string
}
