// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	meta "k8s.io/client-go/applyconfigurations/meta/v1"
	policy "k8s.io/client-go/applyconfigurations/policy/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// HasDisruptionBudget reports whether the server has a PodDisruptionBudget.
func HasDisruptionBudget(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return disruptionBudget(extensionAPI).Policy != v1alpha1.PolicyDisabled
}

func disruptionBudget(extensionAPI *v1alpha1.ExtensionAPI) v1alpha1.DisruptionBudget {
	return ptr.Deref(extensionAPI.Spec.Server.DisruptionBudget, v1alpha1.DisruptionBudget{})
}

// PodDisruptionBudget makes node drains evict one Pod at a time, unless spec.server sets another number for the server.
// It never blocks the eviction of a Pod that is not ready, and does not count Pods that were removed from the Service.
func PodDisruptionBudget(
	extensionAPI *v1alpha1.ExtensionAPI, w Workload,
) *policy.PodDisruptionBudgetApplyConfiguration {
	spec := policy.PodDisruptionBudgetSpec().
		WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
		WithSelector(meta.LabelSelector().WithMatchLabels(w.budgetLabels()))
	wanted := v1alpha1.DisruptionBudget{}
	if w.IsServer() {
		wanted = disruptionBudget(extensionAPI)
	}
	if wanted.MinAvailable != nil {
		spec.WithMinAvailable(*wanted.MinAvailable)
	} else {
		spec.WithMaxUnavailable(ptr.Deref(wanted.MaxUnavailable, intstr.FromInt32(1)))
	}
	return policy.PodDisruptionBudget(w.Name, w.Namespace).
		WithLabels(workloadLabels(extensionAPI, w.Labels)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithSpec(spec)
}
