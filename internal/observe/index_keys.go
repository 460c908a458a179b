// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// indexKey is an entry of an index.
type indexKey struct{ index, value string }

func (k indexKey) compare(other indexKey) int {
	return cmp.Or(cmp.Compare(k.index, other.index), cmp.Compare(k.value, other.value))
}

func keysOf(index string, values []string) (keys []indexKey) {
	for _, value := range values {
		keys = append(keys, indexKey{index, value})
	}
	return keys
}

// ownerKeysOf finds the ExtensionAPIs that may own an APIService: by its marks, or by its Service if it has lost them.
func ownerKeysOf(apiService *apiregistrationv1.APIService) (keys []indexKey) {
	uid, name := apiService.Annotations[manifests.UIDAnnotation], apiService.Labels[manifests.OwnerLabel]
	return append(append(keysOf(uidIndex, unlessEmpty(uid)), keysOf(nameIndex, unlessEmpty(name))...),
		keysOf(serviceIndex, servicesOf(apiService))...)
}

func byName(list []apiregistrationv1.APIService) apiServices {
	result := apiServices{}
	for i := range list {
		result[list[i].Name] = &list[i]
	}
	return result
}
