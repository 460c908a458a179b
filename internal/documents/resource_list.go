// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"io"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// ResourceList is the part of an APIResourceList, the discovery of a group-version, that the operator uses.
type ResourceList struct {
	GroupVersion string
	// Resources is the number of resources, subresources included.
	Resources int
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
			list.Resources, err = s.countObjects()
		default:
			err = s.skip()
		}
		return err
	})
	return list, err
}

// Resource is the part of an APIResource that the operator uses.
type Resource struct {
	Name     string
	Listable bool
}

// EachResource calls each for every resource of an APIResourceList, and stops at the first error of each.
func EachResource(reader io.Reader, each func(Resource) error) error {
	s := newStream(reader, "APIResourceList", limits.Discovery)
	return s.document(func(name string) error {
		if name != "resources" {
			return s.skip()
		}
		return s.array(func() error {
			resource, err := s.resource()
			if err != nil {
				return err
			}
			return each(resource)
		})
	})
}

func (s *stream) resource() (Resource, error) {
	var resource Resource
	err := s.object(func(name string) (err error) {
		switch name {
		case "name":
			resource.Name, err = s.text()
		case "verbs":
			resource.Listable, err = s.lists("list")
		default:
			err = s.skip()
		}
		return err
	})
	return resource, err
}

// lists reports whether an array of strings contains wanted.
func (s *stream) lists(wanted string) (found bool, err error) {
	err = s.array(func() error {
		text, err := s.text()
		found = found || text == wanted
		return err
	})
	return found, err
}
