// SPDX-License-Identifier: Apache-2.0

package check

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// alarming are reasons of conditions that are True, and nevertheless worth a look (docs/conditions.md).
var alarming = map[string]bool{
	v1alpha1.ReasonContested:              true,
	v1alpha1.ReasonRotationStuck:          true,
	v1alpha1.ReasonExpiresSoon:            true,
	v1alpha1.ReasonSecretNotFound:         true,
	v1alpha1.ReasonInvalidCertificate:     true,
	v1alpha1.ReasonNearLimit:              true,
	v1alpha1.ReasonReplicaEjected:         true,
	v1alpha1.ReasonOpenAPISlow:            true,
	v1alpha1.ReasonNoResources:            true,
	v1alpha1.ReasonServiceMonitorsUnknown: true,
	v1alpha1.ReasonEndpointUnreachable:    true,
	v1alpha1.ReasonInvalidSecret:          true,
}

// conditions reports what the operator reports.
func conditions(v *view.View) []Result {
	all, known := v.ExtensionAPIs.Get()
	if !known {
		return []Result{ofCluster(notChecked(v.ExtensionAPIs.Err()))}
	}
	var results []Result
	for i := range all {
		for _, found := range ofExtensionAPI(&all[i]) {
			results = append(results, Result{found.About("ExtensionAPI " + all[i].Name), kindExtensionAPI + all[i].Name})
		}
	}
	return results
}

// ofExtensionAPI has a finding for each condition that reports something; Ready repeats the others.
func ofExtensionAPI(extensionAPI *v1alpha1.ExtensionAPI) []finding.Finding {
	ready := meta.FindStatusCondition(extensionAPI.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return []finding.Finding{warning("", "the operator has not observed it yet").
			Advising("Look at the operator: " + kubectl("get pods -A -l app.kubernetes.io/name=extensionapi-operator"))}
	}
	var found []finding.Finding
	for i := range extensionAPI.Status.Conditions {
		condition := &extensionAPI.Status.Conditions[i]
		if condition.Reason == v1alpha1.ReasonNotPermitted {
			found = append(found, finding.Finding{Evidence: operatorNotPermitted})
			continue
		}
		if level := severityOf(condition, ready.Status != metav1.ConditionTrue); level > finding.Info {
			found = append(found, finding.Finding{
				Severity: level, Code: condition.Reason,
				Evidence: condition.Type + ": " + excerpt.Of(condition.Message, maxCondition),
				Remedy:   kubectl("extensionapi status %s", extensionAPI.Name),
			})
		}
	}
	if len(found) == 0 {
		return []finding.Finding{ok("")}
	}
	return found
}

// operatorNotPermitted is the same for all, so that the text has it once.
const operatorNotPermitted = "the operator is not permitted to read the objects of servers; see kubectl extensionapi " +
	"explain " + v1alpha1.ReasonNotPermitted

// maxCondition is how many bytes of a condition's message are shown: they say what to do.
const maxCondition = 2048

// severityOf is Critical for what keeps it from being ready.
func severityOf(condition *metav1.Condition, isUnready bool) finding.Severity {
	switch condition.Type {
	case v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled:
		return finding.Info
	}
	isDecisive := isUnready && condition.Type != v1alpha1.ConditionDiscoveryWithinLimit &&
		condition.Type != v1alpha1.ConditionControllersAvailable
	switch {
	case condition.Status == metav1.ConditionTrue && !alarming[condition.Reason]:
		return finding.Info
	case condition.Status == metav1.ConditionFalse && isDecisive:
		return finding.Critical
	default:
		return finding.Warning
	}
}
