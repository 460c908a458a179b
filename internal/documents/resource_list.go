// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"io"
	"strings"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// ResourceList is the part of an APIResourceList, the discovery of a group-version, that the operator uses.
type ResourceList struct {
	GroupVersion string
	// Resources is the number of resources, subresources included.
	Resources int
	// Deletable is the number of resources that advertise the verb delete, and MoreThanGet of those that advertise any
	// other verb than get. Subresources do not count for either: clients do not look them up by themselves.
	Deletable, MoreThanGet int
}

// ReadResourceList reads an APIResourceList, whatever its kind field is.
func ReadResourceList(reader io.Reader) (ResourceList, error) {
	var list ResourceList
	s := newStream(reader, "APIResourceList", limits.Discovery)
	err := s.document(func(name string) (err error) {
		switch name {
		case "groupVersion":
			list.GroupVersion, err = s.text()
		case "resources":
			err = s.resources(func(resource Resource) error {
				list.count(resource)
				return nil
			})
		default:
			err = s.skip()
		}
		return err
	})
	return list, err
}

func (l *ResourceList) count(resource Resource) {
	l.Resources++
	if resource.IsSubresource() {
		return
	}
	if resource.Deletable {
		l.Deletable++
	}
	if resource.MoreThanGet {
		l.MoreThanGet++
	}
}

// Resource is the part of an APIResource that the operator uses.
type Resource struct {
	Name       string
	Namespaced bool
	// Creatable, Deletable, Listable and Watchable mean that it advertises the verbs create, delete, list and watch, and
	// MoreThanGet any verb other than get.
	Creatable, Deletable, Listable, Watchable, MoreThanGet bool
}

// IsSubresource reports whether it is a subresource, such as pods/log.
func (r Resource) IsSubresource() bool { return strings.Contains(r.Name, "/") }

// EachResource calls each for every resource of an APIResourceList, and stops at the first error of each.
func EachResource(reader io.Reader, each func(Resource) error) error {
	s := newStream(reader, "APIResourceList", limits.Discovery)
	return s.document(func(name string) error {
		if name != "resources" {
			return s.skip()
		}
		return s.resources(each)
	})
}

func (s *stream) resources(each func(Resource) error) error {
	return s.array(func() error {
		resource, err := s.resource()
		if err != nil {
			return err
		}
		return each(resource)
	})
}

func (s *stream) resource() (Resource, error) {
	var resource Resource
	err := s.object(func(name string) (err error) {
		switch name {
		case "name":
			resource.Name, err = s.text()
		case "namespaced":
			resource.Namespaced, err = s.flag()
		case "verbs":
			err = s.verbs(&resource)
		default:
			err = s.skip()
		}
		return err
	})
	return resource, err
}

func (s *stream) verbs(of *Resource) error {
	return s.array(func() error {
		verb, err := s.text()
		of.Creatable = of.Creatable || verb == "create"
		of.Deletable = of.Deletable || verb == "delete"
		of.Listable = of.Listable || verb == "list"
		of.Watchable = of.Watchable || verb == "watch"
		of.MoreThanGet = of.MoreThanGet || verb != "get" && verb != ""
		return err
	})
}
