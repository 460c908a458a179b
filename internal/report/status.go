// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// maxAdoption is how many changes the schema allows.
const maxAdoption = 32

// describe fills in everything but the conditions. What is unknown stays as it was.
func (r Reconciliation) describe(status *v1alpha1.ExtensionAPIStatus) {
	switch {
	case r.Spec.Server == nil || r.Namespace.IsKnown() && !r.IsActive():
		status.Certificate = nil // the Secrets that other owners keep are gone, or will be
	case r.knowsCertificates():
		status.Certificate = r.describeCertificate()
	}
	status.ReadyReplicas = r.readyReplicas()
	r.describeScale(status)
	r.describeControllers(status)
	r.describeStorage(status)
	if r.Plan.Registration != nil {
		status.APIServices = r.describeAPIServices()
		r.describeStandIn(status)
	}
	if r.Plan.Probe != nil && r.Probes.Records != nil {
		// Until there are new figures, those of an earlier operator stay.
		describeDiscovery(r.Snapshot, status)
	}
}

// groupNames are those of the spec, for a column of kubectl get: a JSONPath there prints the first of several results
// only (apiextensions-apiserver pkg/registry/customresource/tableconvertor).
func groupNames(extensionAPI *v1alpha1.ExtensionAPI) string {
	var names []string
	for _, group := range extensionAPI.Spec.Groups {
		names = append(names, group.Name)
	}
	return strings.Join(names, ",")
}

func (r Reconciliation) describeAPIServices() []v1alpha1.APIServiceStatus {
	var result []v1alpha1.APIServiceStatus
	for _, g := range r.Outcome.GroupVersions {
		described := v1alpha1.APIServiceStatus{
			Name:            g.Name,
			Available:       metav1.ConditionUnknown,
			AdoptionChanges: g.AdoptionChanges[:min(len(g.AdoptionChanges), maxAdoption)],
		}
		if other := g.Claim.Owner.Reference; other.Kind != "" {
			described.HeldBy = &other
		}
		existing := g.Existing
		if existing == nil && len(g.AdoptionChanges) > 0 {
			existing = g.Claim.APIService
		}
		if condition := snapshot.Availability(existing); condition != nil {
			described.Available = metav1.ConditionStatus(condition.Status)
		}
		for _, earlier := range r.Status.APIServices {
			if earlier.Name == g.Name {
				described.Discovery = earlier.Discovery
			}
		}
		result = append(result, described)
	}
	return result
}
