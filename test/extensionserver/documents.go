// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// resourceList returns the response to GET /apis/GROUP/VERSION.
func (s *Server) resourceList(r *http.Request, behaviour Behaviour) any {
	groupVersion := requestedGroupVersion(r)
	if !s.serves(groupVersion, behaviour) {
		return nil
	}
	list := metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: cmp.Or(behaviour.AnswerFor, groupVersion.String()),
		APIResources: []metav1.APIResource{},
	}
	if !slices.Contains(behaviour.Empty, groupVersion.String()) {
		for _, resource := range behaviour.resources() {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: resource.Name, SingularName: resource.singular(), Kind: resource.kind(), Namespaced: true,
				Verbs: resource.Verbs,
			})
		}
	}
	return list
}

// groupList returns the response to GET /apis, in the requested format.
func (s *Server) groupList(r *http.Request, behaviour Behaviour) any {
	listed := slices.DeleteFunc(slices.Clone(s.groupVersions), func(groupVersion schema.GroupVersion) bool {
		return slices.Contains(behaviour.LeftOut, groupVersion.String())
	})
	if strings.Contains(r.Header.Get("Accept"), discovery.AcceptV2) {
		return aggregatedList(listed, behaviour)
	}
	return legacyList(listed)
}

func aggregatedList(listed []schema.GroupVersion, behaviour Behaviour) apidiscoveryv2.APIGroupDiscoveryList {
	list := apidiscoveryv2.APIGroupDiscoveryList{TypeMeta: metav1.TypeMeta{
		Kind: "APIGroupDiscoveryList", APIVersion: apidiscoveryv2.SchemeGroupVersion.String(),
	}}
	for _, group := range groupsOf(listed) {
		item := apidiscoveryv2.APIGroupDiscovery{ObjectMeta: metav1.ObjectMeta{Name: group[0].Group}}
		for _, groupVersion := range group {
			item.Versions = append(item.Versions, apidiscoveryv2.APIVersionDiscovery{
				Version:   groupVersion.Version,
				Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent,
				Resources: aggregatedResources(groupVersion, behaviour),
			})
		}
		list.Items = append(list.Items, item)
	}
	return list
}

func aggregatedResources(groupVersion schema.GroupVersion, behaviour Behaviour) []apidiscoveryv2.APIResourceDiscovery {
	if slices.Contains(behaviour.Empty, groupVersion.String()) {
		return nil
	}
	var resources []apidiscoveryv2.APIResourceDiscovery
	for _, resource := range behaviour.resources() {
		if slices.Contains(behaviour.LeftOutResources, resource.Name) {
			continue
		}
		resources = append(resources, apidiscoveryv2.APIResourceDiscovery{
			Resource:         resource.Name,
			SingularResource: resource.singular(),
			ResponseKind: &metav1.GroupVersionKind{
				Group: groupVersion.Group, Version: groupVersion.Version, Kind: resource.kind(),
			},
			Scope: apidiscoveryv2.ScopeNamespace,
			Verbs: resource.Verbs,
		})
	}
	return resources
}

func legacyList(listed []schema.GroupVersion) metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for _, group := range groupsOf(listed) {
		item := metav1.APIGroup{Name: group[0].Group}
		for _, groupVersion := range group {
			item.Versions = append(item.Versions, metav1.GroupVersionForDiscovery{
				GroupVersion: groupVersion.String(), Version: groupVersion.Version,
			})
		}
		item.PreferredVersion = item.Versions[0]
		list.Groups = append(list.Groups, item)
	}
	return list
}

// groupsOf splits adjacent group-versions by group.
func groupsOf(groupVersions []schema.GroupVersion) [][]schema.GroupVersion {
	var groups [][]schema.GroupVersion
	for i, groupVersion := range groupVersions {
		if i == 0 || groupVersion.Group != groupVersions[i-1].Group {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], groupVersion)
	}
	return groups
}

func (s *Server) serves(groupVersion schema.GroupVersion, behaviour Behaviour) bool {
	return slices.Contains(s.groupVersions, groupVersion) &&
		!slices.Contains(behaviour.NotServed, groupVersion.String())
}

func requestedGroupVersion(r *http.Request) schema.GroupVersion {
	return schema.GroupVersion{Group: r.PathValue("group"), Version: r.PathValue("version")}
}
