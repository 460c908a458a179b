// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

// acceptMetadata asks for no more of objects than has to be read to count them.
const acceptMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

// Objects says how many objects there are of a resource.
type Objects struct {
	Resource schema.GroupResource
	Count    int64
	// Err is why they could not be counted.
	Err error
}

// ErrNotAllowed is for mayList to say that the operator lacks the right to list objects.
var ErrNotAllowed = errors.New("the operator may not list them")

// CountObjects counts the objects that only the doomed group-versions lead to, each resource once. What cannot be asked
// at all has * for its resources, and an error.
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

func (k *KubeAPIServers) listable(
	ctx context.Context, groupVersion schema.GroupVersion,
) ([]schema.GroupVersionResource, error) {
	list := &metav1.APIResourceList{}
	if err := k.read(ctx, "/apis/"+groupVersion.String(), http.Header{}, list); err != nil {
		return nil, err
	}
	var resources []schema.GroupVersionResource
	for _, resource := range list.APIResources {
		if !strings.Contains(resource.Name, "/") && slices.Contains(resource.Verbs, "list") {
			resources = append(resources, groupVersion.WithResource(resource.Name))
		}
	}
	return resources, nil
}

// count needs a single object: the rest is told beside it. A server that knows no limit lists all.
func (k *KubeAPIServers) count(ctx context.Context, resource schema.GroupVersionResource) (int64, error) {
	path := fmt.Sprintf("/apis/%s/%s?limit=1", resource.GroupVersion(), resource.Resource)
	list := &metav1.PartialObjectMetadataList{}
	err := k.read(ctx, path, http.Header{"Accept": {acceptMetadata}}, list)
	return int64(len(list.Items)) + ptr.Deref(list.RemainingItemCount, 0), err
}

// read asks one of the kube-apiservers, always the same one.
func (k *KubeAPIServers) read(ctx context.Context, path string, header http.Header, into any) error {
	clients, err := k.Clients(ctx)
	if err != nil {
		return err
	}
	address := slices.Min(slices.Collect(maps.Keys(clients)))
	answer, err := get(ctx, clients[address], address, path, header)
	switch {
	case err != nil:
		return err
	case answer.code != http.StatusOK:
		return fmt.Errorf("kube-apiserver %s answers %s", address, answer.status)
	}
	return json.Unmarshal(answer.body, into)
}
