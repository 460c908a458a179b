// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/extensionapi/extensionapi-operator/internal/contract"
)

const (
	dryRunOfFlunders = "flunders: CREATE as a dry run stores nothing"
	policiesCalled   = "ValidatingAdmissionPolicies are called"
)

// expectSound runs check with all that it offers, for the sample server.
func expectSound(t *testing.T, name string) {
	t.Helper()
	eventually(t, func() error { // kube-apiserver may load OpenAPI slightly later
		code, cases, out := checked(t, plane.kubeconfig, name, "--load", "20", "--admission", "--rollout")
		if code != 0 {
			return fmt.Errorf("exit code %d: %s", code, out)
		}
		for _, passed := range []string{
			"flunders: WATCH sends the bookmark that ends the initial events, or refuses to",
			dryRunOfFlunders, policiesCalled, "20 discovery requests succeed in time",
		} {
			if cases[passed].Status != contract.Passed {
				return fmt.Errorf("%q has not passed: %s", passed, out)
			}
		}
		rollout := cases["no request fails while its Pods are replaced"]
		if rollout.Status != contract.Skipped || !strings.Contains(rollout.Detail, "0 Deployments") {
			return fmt.Errorf("got %+v", rollout)
		}
		return nil
	})
	const prefix = "kubectl-extensionapi-"
	for _, kind := range []string{
		"flunders.v1beta1.wardle.example.com", "fischers.v1alpha1.wardle.example.com",
		"validatingadmissionpolicies", "validatingadmissionpolicybindings",
	} {
		if left := kubectl(t, "get", kind, "--output", "name", "--all-namespaces"); strings.Contains(left, prefix) {
			t.Errorf("check has left %s", left)
		}
	}
}

// expectNotChecked runs check for a user who may only read the objects of the sample server.
func expectNotChecked(t *testing.T, name, group string) {
	t.Helper()
	const reader = "check-reader"
	createUntilCleanup(t, &rbacv1.ClusterRole{ObjectMeta: in("", reader), Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"apiregistration.k8s.io"}, Resources: []string{"apiservices"}, Verbs: []string{"list"}},
		{APIGroups: []string{group}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}},
	}})
	user := kubeconfigOf(t, reader, reader)
	eventually(t, func() error { // the server may know the role slightly later
		code, cases, out := checked(t, user, name, "--admission", "--rollout")
		dryRun, policies := cases[dryRunOfFlunders], cases[policiesCalled]
		if code != 0 || cases["flunders: LIST as the namespace controller does it"].Status != contract.Passed ||
			dryRun.Status != contract.Skipped || dryRun.Detail != "not permitted to create flunders" ||
			policies.Status != contract.Skipped {
			return fmt.Errorf("exit code %d: %s", code, out)
		}
		return nil
	})
}

// checked runs check, and returns its exit code and the cases of all suites. Of equal names it is one that failed, or
// the last one.
func checked(t *testing.T, kubeconfig string, args ...string) (code int, cases map[string]contract.Case, out string) {
	t.Helper()
	code, out, errOut := pluginAs(kubeconfig, append([]string{"check", "--output", "json"}, args...)...)
	var suites []contract.Suite
	if err := json.Unmarshal([]byte(out), &suites); err != nil {
		t.Fatalf("check prints %q %q: %v", out, errOut, err)
	}
	cases = map[string]contract.Case{}
	for _, suite := range suites {
		for _, result := range suite.Cases {
			if cases[result.Name].Status != contract.Failed {
				cases[result.Name] = result
			}
		}
	}
	return code, cases, out
}
