// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// acceptMetadata requests only metadata, which is enough to count objects.
const acceptMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

// Objects is the number of objects of a resource.
type Objects struct {
	Resource schema.GroupResource
	// Count is the number of objects, or, with an error, the minimum.
	Count int64
	// Err is why they could not be counted.
	Err error
}

// ErrNotAllowed is returned by mayList if the operator lacks the permission to list objects.
var ErrNotAllowed = errors.New("the operator is not permitted to list them")

// CountObjects counts the objects that are accessible only through the removed group-versions, each resource once. A
// group-version whose resources cannot be read, or are too many, has an entry with resource * and an error.
func (k *KubeAPIServers) CountObjects(
	ctx context.Context, removed, kept []schema.GroupVersion, mayList func(schema.GroupVersionResource) error,
) []Objects {
	reachable := map[schema.GroupResource]bool{}
	for _, groupVersion := range kept {
		// A group-version that cannot be read gives access to nothing.
		resources, _ := k.listable(ctx, groupVersion)
		for _, resource := range resources {
			reachable[resource.GroupResource()] = true
		}
	}
	var counted []Objects
	for _, groupVersion := range removed {
		resources, err := k.listable(ctx, groupVersion)
		if err != nil {
			everything := schema.GroupResource{Group: groupVersion.Group, Resource: "*"}
			counted = append(counted, Objects{Resource: everything, Err: err})
		}
		for _, resource := range resources {
			if reachable[resource.GroupResource()] {
				continue
			}
			reachable[resource.GroupResource()] = true // do not count it again
			objects := Objects{Resource: resource.GroupResource(), Err: mayList(resource)}
			if objects.Err == nil {
				objects.Count, objects.Err = k.count(ctx, resource)
			}
			counted = append(counted, objects)
		}
	}
	return counted
}

// listable returns the resources whose objects can be listed. With an error these are not all.
func (k *KubeAPIServers) listable(
	ctx context.Context, groupVersion schema.GroupVersion,
) (resources []schema.GroupVersionResource, err error) {
	_, err = read(ctx, k, "/apis/"+groupVersion.String(), http.Header{}, func(body io.Reader) (any, error) {
		return nil, documents.EachResource(body, func(resource documents.Resource) error {
			switch {
			case !resource.Listable, resource.IsSubresource():
				return nil
			case len(resources) == limits.CountedResources:
				return fmt.Errorf("only the objects of the first %d resources are counted", limits.CountedResources)
			case !isName(resource.Name):
				return fmt.Errorf("there is a resource named %q", excerpt.Of(resource.Name, maxName))
			}
			resources = append(resources, groupVersion.WithResource(resource.Name))
			return nil
		})
	})
	return resources, err
}

// maxName is how many bytes of an invalid name are quoted.
const maxName = 64

// isName prevents a server from making the operator request another path.
func isName(resource string) bool { return len(validation.IsDNS1123Subdomain(resource)) == 0 }

// count requests a single object: the list contains the number of the remaining ones. A server that does not support
// limit lists all.
func (k *KubeAPIServers) count(ctx context.Context, resource schema.GroupVersionResource) (int64, error) {
	path := fmt.Sprintf("/apis/%s/%s?limit=1", resource.GroupVersion(), resource.Resource)
	return read(ctx, k, path, http.Header{"Accept": {acceptMetadata}}, documents.CountObjects)
}

// read queries one of the kube-apiservers, always the same one, and returns what document reads from the response.
func read[T any](
	ctx context.Context, k *KubeAPIServers, path string, header http.Header, document func(io.Reader) (T, error),
) (result T, err error) {
	clients, err := k.Clients(ctx)
	if err != nil {
		return result, err
	}
	address := slices.Min(slices.Collect(maps.Keys(clients)))
	return get(ctx, clients[address], address, path, header, func(response *http.Response) (result T, err error) {
		if response.StatusCode != http.StatusOK {
			return result, fmt.Errorf("kube-apiserver %s answered %s", address, response.Status)
		}
		body, err := documents.Body(response)
		if err != nil {
			return result, err
		}
		return document(body)
	})
}
