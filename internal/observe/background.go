// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// configurationAge is how old what is known of the aggregation layer may be when something is registered.
const configurationAge = time.Minute

// Handshakes are what each peer served in its last handshake, by its ID.
type Handshakes map[string]rotation.Pod

// Causes are why Pods are not ready, by their UIDs.
type Causes map[types.UID]workload.Cause

func (o *Observer) handshakes(s *snapshot.Snapshot) snapshot.Handshakes {
	last, ended := o.Handshakes.Result(s.Name, manifests.ServingHost(s.Backend))
	return snapshot.Handshakes{ByPeer: last, Ended: ended}
}

func (o *Observer) objects(s *snapshot.Snapshot) snapshot.Objects {
	last, ended := o.Objects.Result(s.Name, s.ObjectsVersion())
	return snapshot.Objects{Result: last, Ended: ended}
}

func (o *Observer) layer(name string) snapshot.Layer {
	configuration, ended := o.Configurations.Result(name, "")
	if o.Clock.Since(ended) > configurationAge {
		return snapshot.Layer{TrustChanged: configuration.TrustChanged}
	}
	return snapshot.Layer{Missing: configuration.Missing, Looked: true, TrustChanged: configuration.TrustChanged}
}

func (o *Observer) aggregated(extensionAPI *v1alpha1.ExtensionAPI) map[schema.GroupVersion]snapshot.Aggregated {
	result := map[schema.GroupVersion]snapshot.Aggregated{}
	for _, groupVersion := range manifests.GroupVersions(extensionAPI) {
		reports, looked := o.Freshness.Of(groupVersion)
		result[groupVersion] = aggregatedFrom(reports, looked)
	}
	return result
}

func aggregatedFrom(reports []aggregation.Report, looked bool) (a snapshot.Aggregated) {
	a.Settled = looked && !slices.ContainsFunc(reports, func(r aggregation.Report) bool { return !r.Settled })
	for _, report := range reports {
		if report.Stale {
			a.Stale = append(a.Stale, report.KubeAPIServer)
		} else if report.Empty {
			a.Empty = append(a.Empty, report.KubeAPIServer)
		}
	}
	return a
}
