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
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// acceptMetadata asks for no more of objects than has to be read to count them.
const acceptMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

// Objects says how many objects there are of a resource.
type Objects struct {
	Resource schema.GroupResource
	// Count is how many there are, or, with an error, how many there are at least.
	Count int64
	// Err is why they could not be counted.
	Err error
}

// ErrNotAllowed is for mayList to say that the operator lacks the right to list objects.
var ErrNotAllowed = errors.New("the operator may not list them")

// CountObjects counts the objects that only the doomed group-versions lead to, each resource once. What cannot be asked
// at all, and what is too much to count, has * for its resources, and an error.
func (k *KubeAPIServers) CountObjects(
	ctx context.Context, doomed, kept []schema.GroupVersion, mayList func(schema.GroupVersionResource) error,
) []Objects {
	reachable := map[schema.GroupResource]bool{}
	for _, groupVersion := range kept {
		// What cannot be asked leads to nothing.
		resources, _ := k.listable(ctx, groupVersion)
		for _, resource := range resources {
			reachable[resource.GroupResource()] = true
		}
	}
	var counted []Objects
	for _, groupVersion := range doomed {
		resources, err := k.listable(ctx, groupVersion)
		if err != nil {
			everything := schema.GroupResource{Group: groupVersion.Group, Resource: "*"}
			counted = append(counted, Objects{Resource: everything, Err: err})
		}
		for _, resource := range resources {
			if reachable[resource.GroupResource()] {
				continue
			}
			reachable[resource.GroupResource()] = true // by what has been counted
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
			case !resource.Listable, strings.Contains(resource.Name, "/"):
				return nil
			case len(resources) == limits.CountedResources:
				return fmt.Errorf("only the first %d resources are looked at", limits.CountedResources)
			case !isName(resource.Name):
				return fmt.Errorf("there is a resource named %q", excerpt.Of(resource.Name, maxName))
			}
			resources = append(resources, groupVersion.WithResource(resource.Name))
			return nil
		})
	})
	return resources, err
}

// maxName is how much of a wrong name is repeated.
const maxName = 64

// isName keeps a server from having the operator ask for another path.
func isName(resource string) bool { return len(validation.IsDNS1123Subdomain(resource)) == 0 }

// count needs a single object: the rest is told beside it. A server that knows no limit lists all.
func (k *KubeAPIServers) count(ctx context.Context, resource schema.GroupVersionResource) (int64, error) {
	path := fmt.Sprintf("/apis/%s/%s?limit=1", resource.GroupVersion(), resource.Resource)
	return read(ctx, k, path, http.Header{"Accept": {acceptMetadata}}, documents.CountObjects)
}

// read asks one of the kube-apiservers, always the same one, and returns what document makes of its answer.
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
			return result, fmt.Errorf("kube-apiserver %s answers %s", address, response.Status)
		}
		body, err := documents.Body(response)
		if err != nil {
			return result, err
		}
		return document(body)
	})
}
