// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// What kube-apiserver reports of a Service that it cannot route to, without having tried (k8s.io/apiserver
// pkg/util/proxy, ResolveEndpoint and ResolveCluster).
const (
	refusedExternalName = `unsupported service type "ExternalName"`
	refusedHeadless     = `cannot route to service with ClusterIP "None"`
)

const (
	// externalNameRetry is the time between two attempts to register a Service of type ExternalName: it takes a restart
	// of kube-apiserver with other flags for one to succeed, and each is harmful for a moment.
	externalNameRetry = time.Hour
	// firstCheck is more than it takes kube-apiserver to check a new APIService for the first time.
	firstCheck = time.Minute
)

// refusesExternalName reports whether kube-apiserver does not route to a Service of type ExternalName. With
// --enable-aggregator-routing it does not. Before Kubernetes 1.36 it does not report its flags (component-base
// zpages/features), so that is known from what it reports of the first registration.
func refusesExternalName(s *snapshot.Snapshot) bool {
	behind, known := s.Endpoints.Get()
	if !known || !behind.IsExternal() || !s.IsActive() {
		return false
	}
	registered := slices.Collect(maps.Values(s.Registered.Value()))
	isRefused := func(apiService *apiregistrationv1.APIService) bool {
		return snapshot.FailedCheck(apiService) == refusedExternalName
	}
	return slices.ContainsFunc(registered, isRefused) ||
		// Also while others of its group-versions have not been checked yet.
		ExternalNameRetry(s) > 0 && !slices.ContainsFunc(registered, snapshot.IsAvailable)
}

// ExternalNameRetry is the time until a registration that was refused is tried again, not positive when none was. The
// condition is the record.
func ExternalNameRetry(s *snapshot.Snapshot) time.Duration {
	server := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionServerAvailable)
	if server == nil || server.Reason != v1alpha1.ReasonExternalNameNotRoutable {
		return 0
	}
	return server.LastTransitionTime.Add(externalNameRetry).Sub(s.Now)
}

// IsRefusedRoute reports whether an APIService is to be deleted, since kube-apiserver cannot route to its Service and
// never could. That is no exception to the rule that what is registered stays so: it was never served, so that no
// client, the garbage collector included, has discovered the group by it.
func IsRefusedRoute(s *snapshot.Snapshot, existing *apiregistrationv1.APIService) bool {
	if existing == nil || !Unroutable(s).Found() {
		return false
	}
	failed := snapshot.FailedCheck(existing)
	return (failed == refusedExternalName || strings.HasPrefix(failed, refusedHeadless)) && !hasServed(s, existing)
}

// hasServed reports whether an APIService that is not available may have been.
func hasServed(s *snapshot.Snapshot, apiService *apiregistrationv1.APIService) bool {
	turned := snapshot.Availability(apiService).LastTransitionTime
	return turned.After(apiService.CreationTimestamp.Add(firstCheck)) ||
		slices.ContainsFunc(s.Status.APIServices, func(earlier v1alpha1.APIServiceStatus) bool {
			return earlier.Name == apiService.Name && earlier.Available == metav1.ConditionTrue
		})
}

func externalNameNotRouted(backend manifests.Backend) finding.Finding {
	return finding.Bad(v1alpha1.ReasonExternalNameNotRoutable,
		fmt.Sprintf("Service %s is of type ExternalName, and kube-apiserver cannot route to it while it runs with "+
			"--enable-aggregator-routing", backend.Key()), finding.Stalled).
		Advising("Give the Service a ClusterIP, and an EndpointSlice with the server's address; registering it is retried " +
			"every hour")
}
