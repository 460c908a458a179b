// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
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
		apiService.Lists, apiService.Watches = snapshot.Of([]view.List(nil), nil), snapshot.Of([]view.Watch(nil), nil)
		return
	}
	resources, err := c.deletable(ctx, apiService.GroupVersion())
	path := "/apis/" + apiService.GroupVersion().String() + "/"
	var lists []view.List
	var watches []view.Watch
	for _, resource := range resources {
		if resource.Namespaced {
			lists = append(lists, c.requestList(ctx, path, resource.Name))
		}
		if resource.Watchable {
			watches = append(watches, c.requestWatch(ctx, path, resource.Name))
		}
	}
	apiService.Lists, apiService.Watches = snapshot.Of(lists, err), snapshot.Of(watches, err)
}

// errEnough stops reading resources: adapters may list tens of thousands.
var errEnough = errors.New("more resources than are looked at")

// deletable are the resources that Kubernetes' controllers list and delete.
func (c *collector) deletable(ctx context.Context, groupVersion schema.GroupVersion) ([]documents.Resource, error) {
	path := "/apis/" + groupVersion.String()
	resources, err := get(ctx, c, path, nil, func(response *http.Response) ([]documents.Resource, error) {
		body, err := documents.Body(response)
		if err != nil {
			return nil, err
		}
		return deletableIn(body)
	})
	if errors.Is(err, errEnough) {
		return resources, nil
	}
	return resources, err
}

func deletableIn(body io.Reader) (resources []documents.Resource, err error) {
	err = documents.EachResource(body, func(resource documents.Resource) error {
		if !resource.Deletable || !resource.Listable || resource.IsSubresource() {
			return nil
		}
		if len(resources) == limits.CountedResources {
			return errEnough
		}
		if !aggregation.IsResourceName(resource.Name) {
			return errors.New("there is a resource with an invalid name")
		}
		resources = append(resources, resource)
		return nil
	})
	return resources, err
}

// requestList requests metadata, as the namespace controller does.
func (c *collector) requestList(ctx context.Context, path, resource string) view.List {
	start := c.clock.Now()
	header := http.Header{"Accept": {aggregation.AcceptMetadata}}
	list, err := request(ctx, c, path+resource+"?limit=1", header, func(response *http.Response) (view.List, error) {
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
