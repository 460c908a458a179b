// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"io"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Version is the part of an APIVersionDiscovery that the operator uses.
type Version struct {
	schema.GroupVersion
	// Resources is the number of resources, without subresources.
	Resources int
	// Stale means that the kube-apiserver that wrote the list cannot fetch the group-version from its server.
	Stale bool
}

// EachVersion calls each for every group-version of an APIGroupDiscoveryList, the aggregated discovery, and returns the
// kind in the document. It stops at the first error of each.
func EachVersion(reader io.Reader, bounds limits.Document, each func(Version) error) (kind string, err error) {
	s := newStream(reader, "APIGroupDiscoveryList", bounds)
	err = s.document(func(name string) (err error) {
		switch name {
		case "kind":
			kind, err = s.text()
		case "items":
			err = s.array(func() error { return s.group(each) })
		default:
			err = s.skip()
		}
		return err
	})
	return kind, err
}

// group reads an APIGroupDiscovery, whose name may follow its versions.
func (s *stream) group(each func(Version) error) error {
	var group string
	var versions []Version
	err := s.object(func(name string) (err error) {
		switch name {
		case "metadata":
			group, err = s.name()
		case "versions":
			versions, err = s.versions()
		default:
			err = s.skip()
		}
		return err
	})
	for i := 0; err == nil && i < len(versions); i++ {
		versions[i].Group = group
		err = each(versions[i])
	}
	return err
}

// name reads the name in an object's metadata.
func (s *stream) name() (found string, err error) {
	err = s.object(func(name string) (err error) {
		if name != "name" {
			return s.skip()
		}
		found, err = s.text()
		return err
	})
	return found, err
}

func (s *stream) versions() (versions []Version, err error) {
	err = s.array(func() error {
		if len(versions) == limits.VersionsOfGroup {
			return excess("a group of more than %d versions", limits.VersionsOfGroup)
		}
		version, err := s.version()
		versions = append(versions, version)
		return err
	})
	return versions, err
}

// version reads an APIVersionDiscovery, which does not contain the name of its group.
func (s *stream) version() (Version, error) {
	var version Version
	err := s.object(func(name string) (err error) {
		switch name {
		case "version":
			version.Version, err = s.text()
		case "resources":
			version.Resources, err = s.countObjects()
		case "freshness":
			var freshness string
			freshness, err = s.text()
			version.Stale = freshness == string(apidiscoveryv2.DiscoveryFreshnessStale)
		default:
			err = s.skip()
		}
		return err
	})
	return version, err
}
