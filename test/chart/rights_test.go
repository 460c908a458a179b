// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

func TestOperatorHasTheRightsThatItsMarkersAskFor(t *testing.T) {
	chart := get[rbacv1.ClusterRole](t, renderChart(t), operatorRole)
	generated := get[rbacv1.ClusterRole](t, readObjects(t, "config/rbac/role.yaml"), operatorRole)
	has, needs := rights(chart.Rules), rights(generated.Rules)
	for right := range has {
		if !needs[right] {
			t.Errorf("the chart allows %q, which no marker in controllers/ asks for", right)
		}
	}
	for right := range needs {
		if !has[right] {
			t.Errorf("the chart does not allow %q, which a marker in controllers/ asks for", right)
		}
	}
}

func TestOnlyTheOperatorAndTheCheckOfItsInstallationHaveRights(t *testing.T) {
	for id, object := range renderChart(t) {
		var binding struct{ Subjects []rbacv1.Subject }
		convert(t, object, &binding)
		for _, subject := range binding.Subjects {
			isCheck := subject.Name == operator+"-installation-check" && strings.Contains(id, "installation-check")
			if subject.Kind != rbacv1.ServiceAccountKind || subject.Name != operator && !isCheck {
				t.Errorf("%s gives rights to %s %s, who is not the operator", id, subject.Kind, subject.Name)
			}
		}
	}
}

// TestCheckOfTheInstallationHasNoRightToBeAbused holds on to the rights of an account that is there for good. To create
// ExtensionAPIs it would need further ones, which the policy asks for.
func TestCheckOfTheInstallationHasNoRightToBeAbused(t *testing.T) {
	var given []string
	for id, object := range renderChart(t) {
		var role struct{ Rules []rbacv1.PolicyRule }
		convert(t, object, &role)
		if strings.Contains(id, "installation-check") {
			given = slices.AppendSeq(given, maps.Keys(rights(role.Rules)))
		}
	}
	slices.Sort(given)
	want := []string{
		`create any of extensionapis in group "aggregation.extensionapi.dev"`,
		`list any of endpointslices in group "discovery.k8s.io"`,
		`list any of extensionapis in group "aggregation.extensionapi.dev"`,
		`watch extensionapi-operator of leases in group "coordination.k8s.io"`,
	}
	if !slices.Equal(given, want) {
		t.Errorf("it has the rights %q, and not %q", given, want)
	}
}

func TestOperatorKeptFromCertManagerHasNoRightsThere(t *testing.T) {
	objects := renderChart(t, "--set", "certManager.enabled=false")
	for right := range rights(get[rbacv1.ClusterRole](t, objects, operatorRole).Rules) {
		if strings.Contains(right, "cert-manager.io") {
			t.Errorf("it may %s", right)
		}
	}
	deployment := get[appsv1.Deployment](t, objects, "Deployment "+namespace+"/"+operator)
	if args := deployment.Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--cert-manager=false") {
		t.Errorf("the operator is not told: %q", args)
	}
}

func TestNoRuleIsAWayToMoreRights(t *testing.T) {
	for _, values := range []string{"", "secretNamespaces={shop}"} {
		for id, object := range renderChart(t, "--set", values) {
			var role struct{ Rules []rbacv1.PolicyRule }
			convert(t, object, &role)
			for _, rule := range role.Rules {
				checkNoWayToMore(t, id, rule)
			}
		}
	}
}

// checkNoWayToMore fails for a rule that somebody who has taken over the operator could turn into the rights of an
// administrator.
func checkNoWayToMore(t *testing.T, id string, rule rbacv1.PolicyRule) {
	t.Helper()
	handedOut := []string{
		"system:auth-delegator", "extension-apiserver-authentication-reader", "extensionapi-operator:extension-apiserver",
	}
	if slices.Contains(slices.Concat(rule.Verbs, rule.APIGroups, rule.Resources, rule.NonResourceURLs), "*") {
		t.Errorf("%s has a wildcard: %s", id, rule)
	}
	for _, verb := range []string{"escalate", "impersonate"} {
		if slices.Contains(rule.Verbs, verb) {
			t.Errorf("%s allows to %s: %s", id, verb, rule)
		}
	}
	if !slices.Contains(rule.Verbs, "bind") {
		return
	}
	if len(rule.ResourceNames) == 0 {
		t.Errorf("%s allows to bind every role: %s", id, rule)
	}
	for _, name := range rule.ResourceNames {
		if !slices.Contains(handedOut, name) {
			t.Errorf("%s allows to bind role %s, which no server needs", id, name)
		}
	}
}

func TestConfinedOperatorHasRightsToSecretsInTheNamedNamespacesOnly(t *testing.T) {
	anywhere := get[rbacv1.ClusterRole](t, renderChart(t), operatorRole)
	confined := renderChart(t, "--set", "secretNamespaces={shop,"+namespace+"}")
	left := rights(get[rbacv1.ClusterRole](t, confined, operatorRole).Rules)
	for _, name := range []string{"shop", namespace} {
		id := name + "/extensionapi-operator-secrets"
		role, binding := get[rbacv1.Role](t, confined, "Role "+id), get[rbacv1.RoleBinding](t, confined, "RoleBinding "+id)
		if binding.RoleRef.Name != role.Name || len(binding.Subjects) != 1 {
			t.Errorf("RoleBinding %s does not give the Role to the operator alone: %s", id, toYAML(t, binding))
		}
		given := rights(role.Rules)
		for right := range rights(anywhere.Rules) {
			if given[right] == left[right] {
				t.Errorf("the right to %s is given by both or neither of Role %s and the ClusterRole", right, id)
			}
		}
	}
	deployment := get[appsv1.Deployment](t, confined, "Deployment "+namespace+"/"+operator)
	args := deployment.Spec.Template.Spec.Containers[0].Args
	if flag := "--secret-namespaces=shop," + namespace; !slices.Contains(args, flag) {
		t.Errorf("the operator is not told: its arguments %q do not hold %q", args, flag)
	}
}

// rights writes rules out, one string for each thing that they allow.
func rights(rules []rbacv1.PolicyRule) map[string]bool {
	result := map[string]bool{}
	for _, rule := range rules {
		names := rule.ResourceNames
		if names == nil {
			names = []string{"any"}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					for _, verb := range rule.Verbs {
						result[fmt.Sprintf("%s %s of %s in group %q", verb, name, resource, group)] = true
					}
				}
			}
		}
	}
	return result
}
