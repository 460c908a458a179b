// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// OfTeardown reports a step of the teardown of an ExtensionAPI.
func OfTeardown(s *snapshot.Snapshot, message string) Report {
	status := s.Status.DeepCopy()
	findings := map[string]finding.Finding{}
	for _, conditionType := range Found() {
		findings[conditionType] = finding.Unknown(v1alpha1.ReasonDeleting, message)
	}
	findings[v1alpha1.ConditionAPIServicesAvailable] = finding.Bad(v1alpha1.ReasonDeleting, message, finding.Working)
	status.DiscoveryLatency, status.Endpoints = nil, nil // nothing is measured any more
	status.ReadyReplicas, status.Replicas, status.BlockedNamespaces = nil, nil, 0
	status.Controllers, status.Storage = nil, nil
	Conditions{Generation: s.Generation, Findings: findings, Now: s.Now}.WriteTo(status)
	Bound(status)
	turned := Transitions(s.Status.Conditions, status.Conditions, findings)
	return Report{Status: *status, Turned: append(turned, suspensionNotes(s.ExtensionAPI, status.Conditions)...)}
}

// Released is sent when everything of a deleted ExtensionAPI is orphaned.
func Released(extensionAPI *v1alpha1.ExtensionAPI) finding.Note {
	message := fmt.Sprintf("The ExtensionAPI is deleted, and everything of it runs on, for you to look after "+
		"(spec.deletionPolicy: Orphan). An ExtensionAPI named %s with spec.adoptionPolicy: Adopt adopts it. Delete its "+
		"APIServices before its namespace, or they block the deletion of every other one", extensionAPI.Name)
	if certificate := extensionAPI.Status.Certificate; certificate != nil {
		message += fmt.Sprintf(". The serving certificate is not renewed: every request fails from %s on",
			pki.Timestamp(certificate.NotAfter.Time))
	}
	return finding.NormalNote(v1alpha1.ReasonOrphaned, message, nil)
}

// LeftBehind is sent when what a deleted ExtensionAPI has is out of reach.
func LeftBehind(extensionAPI *v1alpha1.ExtensionAPI) finding.Note {
	kinds := "deployments,services,poddisruptionbudgets,serviceaccounts,secrets"
	if extensionAPI.Spec.Server.Certificates != nil && extensionAPI.Spec.Server.Certificates.CertManager != nil {
		kinds = "certificates.cert-manager.io," + kinds
	}
	if manifests.HasNetworkPolicy(extensionAPI) {
		kinds = "networkpolicies," + kinds
	}
	if manifests.HasServiceMonitor(extensionAPI) {
		kinds = "servicemonitors.monitoring.coreos.com," + kinds
	}
	if manifests.HasStandalone(extensionAPI) {
		kinds = "statefulsets," + kinds
	}
	if manifests.HasControllers(extensionAPI) {
		kinds = "rolebindings," + kinds
	}
	namespace := extensionAPI.Spec.Server.Namespace
	return finding.WarningNote(v1alpha1.ReasonObjectsLeftBehind, fmt.Sprintf(
		"The ExtensionAPI is deleted and its APIServices with it, but its objects in namespace %s are left behind, and its "+
			"Pods run on: the value serverNamespaces of the operator's Helm chart keeps the operator out. Delete them: "+
			"kubectl -n %s delete %s -l %s=%s", namespace, namespace, kinds, manifests.OwnerLabel, extensionAPI.Name), nil)
}
