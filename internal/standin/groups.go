// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// groups returns the groups of several servers, each with its versions in the order of the spec.
func groups(all Discovery) metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroupList"}}
	for _, resources := range all {
		groupVersion := GroupVersionOf(resources)
		version := metav1.GroupVersionForDiscovery{GroupVersion: resources.GroupVersion, Version: groupVersion.Version}
		i := slices.IndexFunc(list.Groups, func(g metav1.APIGroup) bool { return g.Name == groupVersion.Group })
		if i < 0 {
			list.Groups = append(list.Groups, metav1.APIGroup{Name: groupVersion.Group, PreferredVersion: version})
			i = len(list.Groups) - 1
		}
		list.Groups[i].Versions = append(list.Groups[i].Versions, version)
	}
	return list
}
