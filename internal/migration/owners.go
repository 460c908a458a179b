// SPDX-License-Identifier: Apache-2.0

package migration

import (
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// owners notes who else would write or delete the APIServices (docs/tasks/migrating.md).
func (m *Manifest) owners(apiServices []*apiregistrationv1.APIService) {
	for _, apiService := range apiServices {
		switch owner, _ := ownership.MarkedOwner(apiService); owner.Kind {
		case ownership.HelmRelease:
			m.note("%s belongs to %s: before its next upgrade, kubectl annotate apiservice %s "+
				"helm.sh/resource-policy=keep, and "+
				"leave the APIService out of the release", apiService.Name, owner, apiService.Name)
		case ownership.OLM:
			m.note("%s belongs to %s, which writes it again until its ClusterServiceVersion is deleted", apiService.Name, owner)
		}
	}
}
