// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
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
)

// What kube-apiserver says of a Service that it cannot route to, without having tried (k8s.io/apiserver pkg/util/proxy,
// ResolveEndpoint and ResolveCluster).
const (
	refusedExternalName = `unsupported service type "ExternalName"`
	refusedHeadless     = `cannot route to service with ClusterIP "None"`
)

const (
	// externalNameRetry is the time between two attempts to register a Service of type ExternalName: it takes a restart
	// of kube-apiserver with other flags for one to succeed, and each does harm for a moment.
	externalNameRetry = time.Hour
	// firstCheck is more than it takes kube-apiserver to check a new APIService for the first time.
	firstCheck = time.Minute
)

// heedRefusedRoute finds out whether kube-apiserver routes to a Service of type ExternalName. With
// --enable-aggregator-routing it does not. Before Kubernetes 1.36 it does not report its flags (component-base
// zpages/features), so that is known from what it says of the first registration.
func (r *Reconciler) heedRefusedRoute(s *scope, registered map[string]*apiregistrationv1.APIService) {
	if !s.external || s.namespace != namespaceActive {
		return
	}
	known := slices.Collect(maps.Values(registered))
	refused := slices.ContainsFunc(known, func(apiService *apiregistrationv1.APIService) bool {
		return failedCheckOf(apiService) == refusedExternalName
	})
	wait := refusedUntil(s.before.Status.Conditions).Sub(r.Clock.Now())
	if wait > 0 && !slices.ContainsFunc(known, isAvailable) {
		refused = true // also while others of its group-versions have not been checked yet
		s.requeueAfter(wait)
	}
	if refused {
		s.unroutable = externalNameNotRouted(s.backend)
		s.conclude(v1alpha1.ConditionServerAvailable, s.unroutable)
	}
}

// refusedUntil is when a registration that was refused is tried again, zero when none was. The condition is the record.
func refusedUntil(conditions []metav1.Condition) time.Time {
	server := meta.FindStatusCondition(conditions, v1alpha1.ConditionServerAvailable)
	if server == nil || server.Reason != v1alpha1.ReasonExternalNameNotRouted {
		return time.Time{}
	}
	return server.LastTransitionTime.Add(externalNameRetry)
}

// isRefusedRoute reports whether an APIService is to be deleted, since kube-apiserver cannot route to its Service and
// never could. That is no exception to the rule that what is registered stays so: it was never served, so that no
// client, the garbage collector included, has discovered the group by it.
func isRefusedRoute(s *scope, existing *apiregistrationv1.APIService) bool {
	if existing == nil || s.unroutable.Code == "" {
		return false
	}
	failed := failedCheckOf(existing)
	return (failed == refusedExternalName || strings.HasPrefix(failed, refusedHeadless)) && !hasServed(s, existing)
}

// hasServed reports whether an APIService that is not available may have been.
func hasServed(s *scope, apiService *apiregistrationv1.APIService) bool {
	turned := availabilityOf(apiService).LastTransitionTime
	return turned.After(apiService.CreationTimestamp.Add(firstCheck)) ||
		slices.ContainsFunc(s.before.Status.APIServices, func(earlier v1alpha1.APIServiceStatus) bool {
			return earlier.Name == apiService.Name && earlier.Available == metav1.ConditionTrue
		})
}

func (r *Reconciler) unregisterUnroutable(
	ctx context.Context, s *scope, outcome registrationOutcome,
) (registrationOutcome, error) {
	outcome.obstacle = unroutableObstacle(s)
	gone, err := r.Applier.DeleteObserved(ctx, outcome.existing)
	if gone {
		outcome.existing = nil
	}
	return outcome, err
}

func unroutableObstacle(s *scope) finding.Finding {
	return finding.Bad(s.unroutable.Code,
		"kube-apiserver cannot route to the Service, see ServerAvailable", finding.Working)
}

func externalNameNotRouted(backend manifests.Backend) finding.Finding {
	return finding.Bad(v1alpha1.ReasonExternalNameNotRouted,
		fmt.Sprintf("Service %s is of type ExternalName, and kube-apiserver "+
			"cannot route to it while it runs with --enable-aggregator-routing; give the Service a ClusterIP, and an "+
			"EndpointSlice with the server's address. Registering it is tried again each hour", backend.Key()), finding.Stalled)
}
