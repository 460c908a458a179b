// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Resource is a namespaced resource of every group-version.
type Resource struct {
	// Name in lower case and in the plural, such as widgets.
	Name string `json:"name"`
	// Verbs that discovery advertises. They do not change what is served.
	Verbs metav1.Verbs `json:"verbs"`
}

var (
	// DefaultResource does not advertise the verbs that would make Kubernetes' controllers process it.
	DefaultResource = Resource{Name: "widgets", Verbs: metav1.Verbs{"list"}}
	// DeletableResource is processed by the namespace controller, the garbage collector and ResourceQuota.
	DeletableResource = Resource{
		Name: "gadgets", Verbs: metav1.Verbs{"create", "delete", "deletecollection", "list", "watch"},
	}
	// WatchedResource can be watched, but not deleted.
	WatchedResource = Resource{Name: "readings", Verbs: metav1.Verbs{"list", "watch"}}
)

func (r Resource) singular() string { return strings.TrimSuffix(r.Name, "s") }

func (r Resource) kind() string { return strings.ToUpper(r.Name[:1]) + r.singular()[1:] }

func (r Resource) validate() error {
	if len(r.Name) <= 1 || r.Name == "namespaces" {
		return errors.New("a resource needs a name of its own in the plural")
	}
	return nil
}

func (b Behaviour) resources() []Resource {
	if len(b.Resources) == 0 {
		return []Resource{DefaultResource}
	}
	return b.Resources
}

// requestedResource returns the resource of a request, if it is served.
func (s *Server) requestedResource(r *http.Request, behaviour Behaviour) (resource Resource, served bool) {
	if !s.serves(requestedGroupVersion(r), behaviour) {
		return Resource{}, false
	}
	resources := behaviour.resources()
	i := slices.IndexFunc(resources, func(resource Resource) bool { return resource.Name == r.PathValue("resource") })
	if i < 0 {
		return Resource{}, false
	}
	return resources[i], true
}
