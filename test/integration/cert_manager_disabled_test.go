// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/controllers"
	"github.com/extensionapi/extensionapi-operator/test/audit"
)

// TestCertManagerAPIIsNotUsedWhenDisabled temporarily replaces the shared control plane and operator, so no other test
// runs in parallel. The operator has the permissions that the chart grants.
func TestCertManagerAPIIsNotUsedWhenDisabled(t *testing.T) {
	const name = "kept-from-cert-manager"
	useAnotherControlPlane(t)
	createNamespace(t, name)
	startWithValues(t, "certManager.enabled=false", controllers.Settings{CertManager: false})

	extensionAPI := served(name)
	extensionAPI.Spec.Server.Certificates = &v1alpha1.Certificates{CertManager: &v1alpha1.CertManagerCertificates{
		IssuerRef: v1alpha1.CertManagerIssuer{Name: name},
	}}
	apply(t, extensionAPI)
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonCertManagerDisabled,
			"Set the value certManager.enabled of its Helm chart to true", "there is no serving certificate"))
	expectDocumented(t, "cert-manager-disabled", name, v1alpha1.ConditionCertificatesReady)

	change(t, get(t, name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Certificates = nil })
	awaitRollout(t, name)
	remove(t, name)

	requests, err := audit.Read(plane.dir, operatorUser)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range requests {
		if request.ObjectRef != nil && request.ObjectRef.APIGroup == "cert-manager.io" {
			t.Errorf("the operator sent %s %s", request.Verb, request.RequestURI)
		}
	}
}
