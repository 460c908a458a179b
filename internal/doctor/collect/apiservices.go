// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
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
			tasks = append(tasks, func(ctx context.Context) { c.probe(ctx, v, &apiServices[i]) })
		}
	}
	return tasks
}

// probe requests objects only of a server that answers discovery.
func (c *collector) probe(ctx context.Context, v *view.View, apiService *view.APIService) {
	groupVersion := apiService.GroupVersion()
	key := discovery.ThroughKubeAPIServer(connect.Address, groupVersion)
	sample := discovery.Once(ctx, c.clock, c.cluster.HTTP, key)
	apiService.Discovery = snapshot.Of(sample, nil)
	if sample.Err != nil || apiService.LeadsToStandIn() {
		apiService.Objects = snapshot.Of(objects.Result{}, nil)
		return
	}
	apiService.Objects = snapshot.Of(c.objects(ctx, groupVersion, v.Discovery.Value()[groupVersion]))
}

// objects checks the objects of a group-version as the operator does. What aggregated discovery has of it is compared
// where it is fresh.
func (c *collector) objects(
	ctx context.Context, groupVersion schema.GroupVersion, listed view.Freshness,
) (objects.Result, error) {
	checker := c.cluster.ObjectChecker(c.clock)
	ctx, cancel := context.WithTimeout(ctx, checker.Patience.Server)
	defer cancel()
	session, err := checker.Begin(ctx)
	if err != nil {
		return objects.Result{}, err
	}
	compared := c.aggregated
	if _, found := compared[groupVersion]; !found || listed.Stale || listed.Empty {
		compared = nil
	}
	return session.GroupVersion(ctx, groupVersion, compared), nil
}
