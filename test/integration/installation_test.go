// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/installation"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
)

// TestInstallationCheckReportsWhatIsMissing temporarily replaces the shared control plane and operator, so no other
// test runs in parallel. The check has the permissions that the chart grants.
func TestInstallationCheckReportsWhatIsMissing(t *testing.T) {
	useAnotherControlPlane(t)
	plane.installChart(t, "")
	expectReport(t, false, "FAILED   the operator is not running",
		"there is no Lease extensionapi-system/extensionapi-operator",
		"kubectl -n extensionapi-system describe deployment,pods")
	expectFailureDocumented(t, "no-operator")

	startWithValues(t, "", installed)
	expectReport(t, true, "ok       kube-apiserver serves ExtensionAPIs, and rejects those of users without the "+
		"permissions",
		"ok       the aggregation layer is configured", "ok       the operator is running: ",
		"ok       there is no ExtensionAPI yet")

	const name = "without-namespace"
	create(t, served(name))
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		return isFalse(v1alpha1.ConditionReady, v1alpha1.ReasonNamespaceNotFound).check(e)
	})
	expectReport(t, true, "warning  ExtensionAPI without-namespace is not Ready (NamespaceNotFound)")
	remove(t, name)

	deleteNow(t, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: in("", "extensionapi-operator-rights"),
	})
	expectReport(t, false, "FAILED   kube-apiserver would accept an ExtensionAPI from a user without the permissions",
		"extensionapi-operator-rights is missing")
	expectFailureDocumented(t, "rights-policy-missing")

	deleteNow(t, &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: in("", "extensionapis."+v1alpha1.GroupVersion.Group),
	})
	expectReport(t, false, "FAILED   kube-apiserver does not serve the kind ExtensionAPI", "crds.enabled")
}

// expectFailureDocumented checks that the report has one failure, and that it is documented under the id.
func expectFailureDocumented(t *testing.T, id string) {
	t.Helper()
	report, _ := checkInstallation()
	failures := regexp.MustCompile(`(?m)^FAILED .*$`).FindAllString(report, -1)
	if len(failures) != 1 {
		t.Fatalf("the report has %d failures, want one:\n%s", len(failures), report)
	}
	troubleshooting.Check(t, id, failures[0])
}

// expectReport repeats the installation check until it succeeds, or fails, as expected, and the report contains says.
func expectReport(t *testing.T, works bool, says ...string) {
	t.Helper()
	eventually(t, func() error {
		report, err := checkInstallation()
		if (err == nil) != works {
			return fmt.Errorf("the check succeeds: %t, want %t (%w), after\n%s", err == nil, works, err, report)
		}
		for _, words := range says {
			if !strings.Contains(report, words) {
				return fmt.Errorf("the report lacks %q:\n%s", words, report)
			}
		}
		return nil
	})
}

func checkInstallation() (report string, err error) {
	config := impersonate(plane, "extensionapi-operator-installation-check")
	checker, err := client.NewWithWatch(config, client.Options{Scheme: kinds.Scheme(), Mapper: kinds.Mapper()})
	if err != nil {
		return "", err
	}
	// Everything that the check can find is available immediately.
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var out strings.Builder
	lease := client.ObjectKey{Namespace: operatorNamespace, Name: operatorAccount}
	err = installation.Check(ctx, config, checker, lease, &out)
	return out.String(), err
}
