// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"io"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// EachAggregatedResource calls each for every resource of an APIGroupDiscoveryList, without subresources, and returns
// the kind in the document. It keeps the resources of a group, whose name may follow them.
func EachAggregatedResource(
	reader io.Reader, bounds limits.Document, each func(schema.GroupVersion, Resource) error,
) (kind string, err error) {
	s := newStream(reader, "APIGroupDiscoveryList", bounds)
	err = s.document(func(name string) (err error) {
		switch name {
		case "kind":
			kind, err = s.text()
		case "items":
			err = s.array(func() error { return s.groupResources(each) })
		default:
			err = s.skip()
		}
		return err
	})
	return kind, err
}

func (s *stream) groupResources(each func(schema.GroupVersion, Resource) error) error {
	var group string
	var found []versionResources
	err := s.object(func(name string) (err error) {
		switch name {
		case "metadata":
			group, err = s.name()
		case "versions":
			err = s.array(func() error {
				version, err := s.versionResources()
				found = append(found, version)
				return err
			})
		default:
			err = s.skip()
		}
		return err
	})
	for _, version := range found {
		for _, resource := range version.resources {
			if err == nil {
				err = each(schema.GroupVersion{Group: group, Version: version.name}, resource)
			}
		}
	}
	return err
}

type versionResources struct {
	name      string
	resources []Resource
}

func (s *stream) versionResources() (version versionResources, err error) {
	err = s.object(func(name string) (err error) {
		switch name {
		case "version":
			version.name, err = s.text()
		case "resources":
			err = s.array(func() error {
				if len(version.resources) == limits.ComparedResources {
					return excess("more than %d resources of a version", limits.ComparedResources)
				}
				resource, err := s.aggregatedResource()
				version.resources = append(version.resources, resource)
				return err
			})
		default:
			err = s.skip()
		}
		return err
	})
	return version, err
}

// aggregatedResource reads an APIResourceDiscovery.
func (s *stream) aggregatedResource() (resource Resource, err error) {
	err = s.object(func(name string) (err error) {
		switch name {
		case "resource":
			resource.Name, err = s.text()
		case "scope":
			var scope string
			scope, err = s.text()
			resource.Namespaced = scope == string(apidiscoveryv2.ScopeNamespace)
		case "verbs":
			err = s.verbs(&resource)
		default:
			err = s.skip()
		}
		return err
	})
	return resource, err
}
