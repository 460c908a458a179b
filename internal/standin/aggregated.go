// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"slices"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// aggregated returns the aggregated discovery of several servers.
func aggregated(all Discovery) apidiscoveryv2.APIGroupDiscoveryList {
	list := apidiscoveryv2.APIGroupDiscoveryList{TypeMeta: metav1.TypeMeta{
		APIVersion: apidiscoveryv2.SchemeGroupVersion.String(), Kind: "APIGroupDiscoveryList",
	}}
	for _, resources := range all {
		group := groupIn(&list, GroupVersionOf(resources).Group)
		group.Versions = append(group.Versions, apidiscoveryv2.APIVersionDiscovery{
			Version:   GroupVersionOf(resources).Version,
			Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent,
			Resources: resourcesOf(resources.APIResources),
		})
	}
	return list
}

// groupIn returns the group of that name, which it adds if there is none.
func groupIn(list *apidiscoveryv2.APIGroupDiscoveryList, name string) *apidiscoveryv2.APIGroupDiscovery {
	i := slices.IndexFunc(list.Items, func(g apidiscoveryv2.APIGroupDiscovery) bool { return g.Name == name })
	if i < 0 {
		i = len(list.Items)
		list.Items = append(list.Items, apidiscoveryv2.APIGroupDiscovery{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	return &list.Items[i]
}

// resourcesOf nests subresources in their resources. One without a resource has an empty one around it, as in
// k8s.io/apiserver pkg/endpoints/installer.go.
func resourcesOf(listed []metav1.APIResource) []apidiscoveryv2.APIResourceDiscovery {
	var result []apidiscoveryv2.APIResourceDiscovery
	at := map[string]int{}
	resource := func(name string) *apidiscoveryv2.APIResourceDiscovery {
		if _, found := at[name]; !found {
			at[name] = len(result)
			result = append(result, apidiscoveryv2.APIResourceDiscovery{Resource: name})
		}
		return &result[at[name]]
	}
	for _, each := range listed {
		name, subresource, isSubresource := strings.Cut(each.Name, "/")
		known := resource(name)
		if known.Scope == "" || !isSubresource {
			known.Scope = scopeOf(each)
		}
		if isSubresource {
			known.Subresources = append(known.Subresources, apidiscoveryv2.APISubresourceDiscovery{
				Subresource: subresource, ResponseKind: kindOf(each), Verbs: each.Verbs,
			})
			continue
		}
		known.ResponseKind, known.Verbs = kindOf(each), each.Verbs
		known.SingularResource, known.ShortNames, known.Categories = each.SingularName, each.ShortNames, each.Categories
	}
	return result
}

func scopeOf(resource metav1.APIResource) apidiscoveryv2.ResourceScope {
	if resource.Namespaced {
		return apidiscoveryv2.ScopeNamespace
	}
	return apidiscoveryv2.ScopeCluster
}

func kindOf(resource metav1.APIResource) *metav1.GroupVersionKind {
	return &metav1.GroupVersionKind{Group: resource.Group, Version: resource.Version, Kind: resource.Kind}
}
