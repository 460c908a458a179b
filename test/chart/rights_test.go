// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

func TestOperatorHasThePermissionsOfItsMarkers(t *testing.T) {
	chart, generated := renderChart(t), generatedRoles(t)
	for id := range generated {
		has, needs := rightsOf(t, chart, id), rightsOf(t, generated, id)
		for right := range has.Difference(needs) {
			t.Errorf("the chart's %s grants %q, which no marker in controllers/ requires", id, right)
		}
		for right := range needs.Difference(has) {
			t.Errorf("the chart's %s does not grant %q, which a marker in controllers/ requires", id, right)
		}
	}
}

// generatedRoles returns the roles that controller-gen writes.
func generatedRoles(t *testing.T) objects {
	t.Helper()
	return readObjects(t, "config/rbac/role.yaml")
}

func TestOnlyServiceAccountsOfTheChartHavePermissions(t *testing.T) {
	for id, object := range renderChart(t, "--set", "metrics.serviceMonitor.enabled=true") {
		var binding struct{ Subjects []rbacv1.Subject }
		convert(t, object, &binding)
		for _, subject := range binding.Subjects {
			// The other ServiceAccounts have only roles with their own name.
			account, others := strings.CutPrefix(subject.Name, operator+"-")
			isOther := slices.Contains([]string{"uninstall-check", "installation-check", "metrics-reader"}, account)
			isItsOwn := subject.Name == operator || others && isOther && strings.Contains(id, account)
			if subject.Kind != rbacv1.ServiceAccountKind || subject.Namespace != namespace || !isItsOwn {
				t.Errorf("%s grants permissions to %s %s/%s", id, subject.Kind, subject.Namespace, subject.Name)
			}
		}
	}
}

// TestChecksHaveMinimalPermissions compares the permissions of the ServiceAccounts other than the operator's. To create
// ExtensionAPIs, the installation check would need further permissions, which the admission policy requires.
func TestChecksHaveMinimalPermissions(t *testing.T) {
	for check, want := range map[string][]string{
		"uninstall-check": {`list any of extensionapis in group "aggregation.extensionapi.dev"`},
		"installation-check": {
			`create any of extensionapis in group "aggregation.extensionapi.dev"`,
			`list any of apiservices in group "apiregistration.k8s.io"`,
			`list any of endpointslices in group "discovery.k8s.io"`,
			`list any of extensionapis in group "aggregation.extensionapi.dev"`,
			`watch extensionapi-operator of leases in group "coordination.k8s.io"`,
		},
	} {
		chart, given := renderChart(t), sets.New[string]()
		for id := range chart {
			if strings.Contains(id, check) {
				given = given.Union(rightsOf(t, chart, id))
			}
		}
		if !slices.Equal(sets.List(given), want) {
			t.Errorf("the %s has the permissions %q, want %q", check, sets.List(given), want)
		}
	}
}

// TestPermissionsOfTheHookExistOnlyWhileItRuns checks that helm uninstall creates them before the Job that needs them.
func TestPermissionsOfTheHookExistOnlyWhileItRuns(t *testing.T) {
	for id, object := range renderChart(t) {
		if !strings.Contains(id, "uninstall-check") {
			continue
		}
		annotations := object.GetAnnotations()
		comesFirst := annotations["helm.sh/hook-weight"] == "-1"
		if annotations["helm.sh/hook"] != "pre-delete" || comesFirst == (id == uninstallCheck) ||
			annotations["helm.sh/hook-delete-policy"] != "before-hook-creation,hook-succeeded" {
			t.Errorf("%s has the annotations %v", id, annotations)
		}
	}
}

func TestOperatorHasNoCertManagerPermissionsWhenDisabled(t *testing.T) {
	objects := renderChart(t, "--set", "certManager.enabled=false")
	for right := range rightsOf(t, objects, operatorRole) {
		if strings.Contains(right, "cert-manager.io") {
			t.Errorf("the operator may %s", right)
		}
	}
	deployment := get[appsv1.Deployment](t, objects, "Deployment "+namespace+"/"+operator)
	if args := deployment.Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--cert-manager=false") {
		t.Errorf("the arguments of the operator lack --cert-manager=false: %q", args)
	}
}

func TestNoRuleAllowsPrivilegeEscalation(t *testing.T) {
	for _, values := range []string{"", "serverNamespaces={shop}"} {
		for id, object := range renderChart(t, "--set", values) {
			var role struct{ Rules []rbacv1.PolicyRule }
			convert(t, object, &role)
			for _, rule := range role.Rules {
				checkNoEscalation(t, id, rule)
			}
		}
	}
}

// checkNoEscalation fails for a rule that an attacker who has compromised the operator could use to gain the
// permissions of an administrator.
func checkNoEscalation(t *testing.T, id string, rule rbacv1.PolicyRule) {
	t.Helper()
	grantable := []string{
		"system:auth-delegator", "extension-apiserver-authentication-reader", "extensionapi-operator:extension-apiserver",
		"extensionapi-operator:controller-leader-election", "extensionapi-operator:controller-events",
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
		if !slices.Contains(grantable, name) {
			t.Errorf("%s allows to bind role %s, which no server or controller needs", id, name)
		}
	}
}

func TestRestrictedOperatorRunsServersOnlyInServerNamespaces(t *testing.T) {
	confined := renderChart(t, "--set", "serverNamespaces={shop,stock}")
	anywhere, left := rightsOf(t, renderChart(t), operatorRole), rightsOf(t, confined, operatorRole)
	for _, name := range []string{"shop", "stock"} {
		id := name + "/extensionapi-operator:servers"
		binding := get[rbacv1.RoleBinding](t, confined, "RoleBinding "+id)
		if "Role "+name+"/"+binding.RoleRef.Name != "Role "+id || len(binding.Subjects) != 1 {
			t.Errorf("RoleBinding %s does not grant the Role to the operator only: %s", id, toYAML(t, binding))
		}
		given := rightsOf(t, confined, "Role "+id)
		if !given.Union(left).Equal(anywhere) || given.HasAny(left.UnsortedList()...) {
			t.Errorf("Role %s and the ClusterRole do not partition the permissions %q", id, sets.List(anywhere))
		}
	}
	deployment := get[appsv1.Deployment](t, confined, "Deployment "+namespace+"/"+operator)
	args := deployment.Spec.Template.Spec.Containers[0].Args
	if flag := "--server-namespaces=shop,stock"; !slices.Contains(args, flag) {
		t.Errorf("the arguments of the operator %q lack %q", args, flag)
	}
}

// TestRestrictedOperatorHasMinimalPermissionsElsewhere lists everything that an attacker who has compromised a
// restricted operator can change outside serverNamespaces.
func TestRestrictedOperatorHasMinimalPermissionsElsewhere(t *testing.T) {
	const bindings, rbac = `bindings in group "rbac.authorization.k8s.io"`, `in group "rbac.authorization.k8s.io"`
	const authReader = `bind extension-apiserver-authentication-reader of roles ` + rbac
	chart := renderChart(t, "--set", "serverNamespaces={shop}")
	for id, want := range map[string][]string{
		operatorRole: {
			`bind extensionapi-operator:controller-events of clusterroles ` + rbac,
			`bind extensionapi-operator:controller-leader-election of clusterroles ` + rbac,
			`bind extensionapi-operator:extension-apiserver of clusterroles ` + rbac,
			`bind system:auth-delegator of clusterroles ` + rbac,
			`create any of apiservices in group "apiregistration.k8s.io"`,
			`create any of clusterrole` + bindings,
			`create any of subjectaccessreviews in group "authorization.k8s.io"`,
			`create any of tokenreviews in group "authentication.k8s.io"`,
			`delete any of apiservices in group "apiregistration.k8s.io"`,
			`delete any of clusterrole` + bindings,
			`patch any of apiservices in group "apiregistration.k8s.io"`,
			`patch any of clusterrole` + bindings,
			`patch any of extensionapis in group "aggregation.extensionapi.dev"`,
			`patch any of extensionapis/status in group "aggregation.extensionapi.dev"`,
		},
		"Role kube-system/extensionapi-operator:bindings": {
			authReader, `create any of role` + bindings, `delete any of role` + bindings, `patch any of role` + bindings,
		},
		"Role default/extensionapi-operator:events": {
			`create any of events in group "events.k8s.io"`, `patch any of events in group "events.k8s.io"`,
		},
		"Role " + namespace + "/" + operator: {
			`create any of configmaps in group ""`,
			`create any of events in group ""`,
			`create any of leases in group "coordination.k8s.io"`,
			`create any of secrets in group ""`,
			`create extensionapi-operator-prober of serviceaccounts/token in group ""`,
			`delete any of configmaps in group ""`,
			`delete any of secrets in group ""`,
			`patch any of configmaps in group ""`,
			`patch any of secrets in group ""`,
			`update extensionapi-operator of leases in group "coordination.k8s.io"`,
		},
	} {
		changes := slices.DeleteFunc(sets.List(rightsOf(t, chart, id)), func(right string) bool {
			verb, _, _ := strings.Cut(right, " ")
			return slices.Contains([]string{"get", "list", "watch"}, verb)
		})
		if !slices.Equal(changes, want) {
			t.Errorf("%s allows to change\n\t%s\nwant\n\t%s", id, strings.Join(changes, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

func TestServerNamespacesMustNotContainTheOperatorsNamespace(t *testing.T) {
	problem := tryValues(t, "helm", `{"serverNamespaces": ["shop", "`+namespace+`"]}`)
	wanted := "serverNamespaces contains " + namespace + ", the operator's own namespace"
	if !strings.Contains(problem, wanted) {
		t.Errorf("the error is %q, which lacks %q", problem, wanted)
	}
}

// rightsOf returns the permissions of a role, one string for each.
func rightsOf(t *testing.T, from objects, id string) sets.Set[string] {
	t.Helper()
	result := sets.New[string]()
	object, found := from[id]
	if !found {
		t.Errorf("there is no %s", id)
	}
	var role struct{ Rules []rbacv1.PolicyRule }
	convert(t, object, &role)
	for _, rule := range role.Rules {
		names := rule.ResourceNames
		if names == nil {
			names = []string{"any"}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					for _, verb := range rule.Verbs {
						result.Insert(fmt.Sprintf("%s %s of %s in group %q", verb, name, resource, group))
					}
				}
			}
		}
	}
	return result
}
