// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// TestFailingKindDoesNotBlockOtherWork disturbs the shared operator, so no other test runs in parallel. Work that
// depends only on other kinds continues: replicas are probed, reported, ejected and restored.
func TestFailingKindDoesNotBlockOtherWork(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		hang bool
	}{
		"fails-secrets":     {"/secrets/", false},
		"hangs-secrets":     {"/secrets/", true},
		"fails-deployments": {"/deployments/", false},
		"hangs-deployments": {"/deployments/", true},
	} {
		t.Run(name, func(t *testing.T) {
			replicas := startReplicas(t, name, 2)
			registerAsOperator(t, name, trustSecret(t, name).Data[corev1.TLSCertKey])
			heal := failKind(t, test.path, test.hang)
			// A change makes the operator reconcile everything.
			change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
				e.Spec.Server.Template.Labels = map[string]string{"changed": "yes"}
			})
			awaitRetrying(t, name)

			replicas[1].Behave(unavailable)
			awaitEjected(t, name, name+"-1")
			awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return reportsEjected(e, name+"-1") })
			awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
				return isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered).check(e)
			})
			replicas[1].Behave(extensionserver.Behaviour{})
			awaitEjected(t, name)
			awaitRetrying(t, name)
			heal()
			awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
				return isTrue(v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressing).check(e)
			})
		})
	}
}

// TestFailingAPIServicesDoNotBlockEjection disturbs the shared operator, so no other test runs in parallel. Only the
// reconnection of kube-apiserver has to wait, which is written to the APIService.
func TestFailingAPIServicesDoNotBlockEjection(t *testing.T) {
	for name, hang := range map[string]bool{"fails-apiservices": false, "hangs-apiservices": true} {
		t.Run(name, func(t *testing.T) {
			replicas := startReplicas(t, name, 2)
			registerAsOperator(t, name, trustSecret(t, name).Data[corev1.TLSCertKey])
			heal := failKind(t, "/apiservices/", hang)
			replicas[1].Behave(unavailable)
			awaitEjected(t, name, name+"-1")
			awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return reportsEjected(e, name+"-1") })
			awaitRetrying(t, name)
			heal()
			awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
				return isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered).check(e)
			})
		})
	}
}

// TestFailingPodsDoNotBlockRollouts disturbs the shared operator, so no other test runs in parallel. Only the ejection
// has to wait, which is written to the Pod.
func TestFailingPodsDoNotBlockRollouts(t *testing.T) {
	for name, hang := range map[string]bool{"fails-pods": false, "hangs-pods": true} {
		t.Run(name, func(t *testing.T) {
			replicas := startReplicas(t, name, 2)
			registerAsOperator(t, name, trustSecret(t, name).Data[corev1.TLSCertKey])
			heal := failKind(t, "/pods", hang)
			replicas[1].Behave(unavailable)
			awaitRetrying(t, name)
			change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
				e.Spec.Server.Template.Labels = map[string]string{"changed": "yes"}
			})
			eventually(t, func() error {
				if got := deploymentOf(t, name).Spec.Template.Labels["changed"]; got != "yes" {
					return fmt.Errorf("label changed of the Deployment's template is %q", got)
				}
				return nil
			})
			awaitEjected(t, name)
			heal()
			awaitEjected(t, name, name+"-1")
		})
	}
}

// failKind makes the operator's requests with this in their path fail, or hang, until heal is called.
func failKind(t *testing.T, path string, hang bool) (heal func()) {
	t.Helper()
	fails := func(request *http.Request) bool {
		matches := strings.Contains(request.URL.Path, path)
		if matches && hang {
			<-request.Context().Done()
		}
		return matches
	}
	running.fails.Store(&fails)
	heal = func() { running.fails.Store(nil) }
	t.Cleanup(heal)
	return heal
}
