// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// apiServices are those with a Service; kube-apiserver serves the others itself.
func (c *collector) apiServices(ctx context.Context) ([]view.APIService, error) {
	list := &apiregistrationv1.APIServiceList{}
	if err := c.list(ctx, list); err != nil {
		return nil, err
	}
	backends := map[client.ObjectKey]*view.Backend{}
	var found []view.APIService
	for i := range list.Items {
		service := list.Items[i].Spec.Service
		if service == nil {
			continue
		}
		key := client.ObjectKey{Namespace: service.Namespace, Name: service.Name}
		if backends[key] == nil {
			backends[key] = &view.Backend{NamespacedName: key}
		}
		found = append(found, view.APIService{APIService: &list.Items[i], Backend: backends[key]})
	}
	slices.SortFunc(found, func(a, b view.APIService) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// definitions reads only the CustomResourceDefinitions of groups that have an APIService: all together are large, and a
// definition's name ends in its group.
func (c *collector) definitions(
	ctx context.Context, apiServices []view.APIService,
) (map[schema.GroupVersion]string, error) {
	groups := sets.New[string]()
	for _, apiService := range apiServices {
		groups.Insert(apiService.Spec.Group)
	}
	names := &metav1.PartialObjectMetadataList{}
	names.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinitionList"))
	if err := c.list(ctx, names); err != nil {
		return nil, err
	}
	found := map[schema.GroupVersion]string{}
	for i := range names.Items {
		_, group, _ := strings.Cut(names.Items[i].Name, ".")
		if !groups.Has(group) {
			continue
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := c.cluster.Client.Get(ctx, client.ObjectKeyFromObject(&names.Items[i]), definition); err != nil {
			return nil, err
		}
		for _, version := range definition.Spec.Versions {
			found[schema.GroupVersion{Group: group, Version: version.Name}] = definition.Name
		}
	}
	return found, nil
}

// ofAPIServices are the tasks that send requests to the servers, through kube-apiserver.
func (c *collector) ofAPIServices(v *view.View) []task {
	apiServices := v.APIServices.Value()
	var tasks []task
	for i := range apiServices {
		if snapshot.IsAvailable(apiServices[i].APIService) {
			tasks = append(tasks, func(ctx context.Context) { c.probe(ctx, &apiServices[i]) })
		}
	}
	return tasks
}

func (c *collector) probe(ctx context.Context, apiService *view.APIService) {
	key := discovery.ThroughKubeAPIServer(connect.Address, apiService.GroupVersion())
	sample := discovery.Once(ctx, c.clock, c.cluster.HTTP, key)
	apiService.Discovery = snapshot.Of(sample, nil)
	if sample.Err != nil || sample.Deletable == 0 {
		apiService.Lists = snapshot.Of([]view.List(nil), nil)
		return
	}
	apiService.Lists = snapshot.Of(c.lists(ctx, apiService.GroupVersion()))
}

// errEnough stops reading resources: adapters may list tens of thousands.
var errEnough = errors.New("more resources than are looked at")

// lists requests one object of each resource that the namespace controller deletes.
func (c *collector) lists(ctx context.Context, groupVersion schema.GroupVersion) ([]view.List, error) {
	path := "/apis/" + groupVersion.String()
	resources, err := get(ctx, c, path, nil, func(response *http.Response) ([]string, error) {
		body, err := documents.Body(response)
		if err != nil {
			return nil, err
		}
		return deletable(body)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	var requested []view.List
	for _, resource := range resources {
		requested = append(requested, c.requestList(ctx, path, resource))
	}
	return requested, nil
}

func deletable(body io.Reader) (resources []string, err error) {
	err = documents.EachResource(body, func(resource documents.Resource) error {
		if !resource.Namespaced || !resource.Deletable || !resource.Listable || resource.IsSubresource() {
			return nil
		}
		if len(resources) == limits.CountedResources {
			return errEnough
		}
		if !aggregation.IsResourceName(resource.Name) {
			return fmt.Errorf("there is a resource with an invalid name")
		}
		resources = append(resources, resource.Name)
		return nil
	})
	return resources, err
}

// requestList requests metadata, as the namespace controller does.
func (c *collector) requestList(ctx context.Context, path, resource string) view.List {
	start := c.clock.Now()
	header := http.Header{"Accept": {aggregation.AcceptMetadata}}
	list, err := request(ctx, c, path+"/"+resource+"?limit=1", header, func(response *http.Response) (view.List, error) {
		if response.StatusCode != http.StatusOK {
			return view.List{Forbidden: isDenied(response)}, denied(response)
		}
		_, err := documents.CountObjects(response.Body)
		return view.List{}, err
	})
	list.Resource, list.Latency = resource, c.clock.Since(start)
	if err != nil {
		list.Failure = err.Error()
	}
	return list
}
