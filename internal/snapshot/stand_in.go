// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// StandIn is what can serve discovery while no replica of the server answers.
type StandIn struct {
	// Service is in front of the operator's replicas. There is none without a name.
	Service manifests.Backend
	// CABundle (PEM) verifies it, nil while it has no certificate.
	CABundle []byte
	// Documented are the group-versions of which the stand-in has the discovery. None of their resources can be deleted.
	Documented []schema.GroupVersion
	// Reachable reports whether its Service has a ready endpoint; it is looked at only where a server does not answer.
	Reachable bool
	// KubeAPIServers is how many kube-apiservers there are, 0 while that is not known.
	KubeAPIServers int
	// Started is when this operator began to work. Before that, the stand-in may have been down.
	Started time.Time
}

// Serves reports whether an APIService leads to the stand-in.
func (i StandIn) Serves(apiService *apiregistrationv1.APIService) bool {
	return i.Service.Name != "" && apiService != nil && i.Service.IsBackendOf(apiService)
}

// CanServe reports whether the stand-in can serve a group-version.
func (i StandIn) CanServe(groupVersion schema.GroupVersion) bool {
	return len(i.CABundle) > 0 && slices.Contains(i.Documented, groupVersion)
}

// Replaced are the group-versions of the spec that the stand-in serves.
func (s *Snapshot) Replaced() []schema.GroupVersion { return s.groupVersions(s.StandIn.Serves) }
