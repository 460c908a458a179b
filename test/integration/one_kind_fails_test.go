// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// TestAKindThatKubeAPIServerFailsHoldsUpNothingElse does to the operator what would disturb others, so none runs beside
// it. What rests on nothing but other kinds goes on: replicas are probed, reported, ejected and restored.
func TestAKindThatKubeAPIServerFailsHoldsUpNothingElse(t *testing.T) {
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
			// What changes brings the operator to look at everything.
			change(t, named(name), func(e *v1alpha1.ExtensionAPI) {
				e.Spec.Server.Template.Labels = map[string]string{"changed": "yes"}
			})
			awaitRetrying(t, name)

			replicas[1].Behave(unavailable)
			awaitEjected(t, name, name+"-1")
			awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return toldEjected(e, name+"-1") })
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

// failKind has the operator's requests that have this in their path fail, or not be answered, until heal is called.
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
