// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// request returns a successful request for Deployment a/b.
func request(verb string) auditv1.Event {
	return auditv1.Event{
		Verb:           verb,
		ObjectRef:      &auditv1.ObjectReference{APIGroup: "apps", Resource: "deployments", Namespace: "a", Name: "b"},
		ResponseStatus: &metav1.Status{Code: 200},
		Annotations:    map[string]string{decision: "allow"},
	}
}

func answered(status int32, event auditv1.Event) auditv1.Event {
	event.ResponseStatus.Code = status
	return event
}

// bound returns the creation of a RoleBinding to a role of that kind.
func bound(verb, kind, name string) auditv1.Event {
	event := answered(201, request(verb))
	event.ObjectRef.APIGroup, event.ObjectRef.Resource = rbacv1.GroupName, "rolebindings"
	event.ResponseObject = &runtime.Unknown{Raw: []byte(`{"roleRef":{"kind":"` + kind + `","name":"` + name + `"}}`)}
	return event
}

func forbidden(event auditv1.Event, message string) auditv1.Event {
	event.Annotations[decision] = "forbid"
	event.ResponseStatus = &metav1.Status{Code: 403, Message: message}
	return event
}

func TestPermissionIsUsedIfARequestNeedsIt(t *testing.T) {
	bind := func(resource, name string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{
			Verbs: []string{"bind"}, APIGroups: []string{rbacv1.GroupName}, Resources: []string{resource},
			ResourceNames: []string{name},
		}
	}
	scale := request("get")
	scale.ObjectRef.Subresource = "scale"
	for _, test := range []struct {
		what      string
		namespace string
		rule      rbacv1.PolicyRule
		request   auditv1.Event
		used      bool
	}{
		{"the same verb and resource", "", on("deployments", "get"), request("get"), true},
		{"an object that does not exist", "", on("deployments", "get"), answered(404, request("get")), true},
		{"another verb", "", on("deployments", "delete"), request("get"), false},
		{"another resource", "", on("daemonsets", "get"), request("get"), false},
		{
			"another group", "",
			rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"deployments"}},
			request("get"), false,
		},
		{"the subresource", "", on("deployments/scale", "get"), scale, true},
		{"the subresource, with a permission for the resource", "", on("deployments", "get"), scale, false},
		{"the namespace", "a", on("deployments", "get"), request("get"), true},
		{"another namespace", "c", on("deployments", "get"), request("get"), false},
		{"the name", "", on("deployments", "get", "b"), request("get"), true},
		{"another name", "", on("deployments", "get", "c"), request("get"), false},
		{"a wildcard for the group's resources", "", on("*", "get"), request("get"), false},
		{"a watch, with list", "", on("deployments", "list"), request("watch"), true},
		{"a list, with watch", "", on("deployments", "watch"), request("list"), false},
		{"an apply that creates, with create", "", on("deployments", "create"), answered(201, request("patch")), true},
		{"an apply that updates, with create", "", on("deployments", "create"), request("patch"), false},
		{"a denied request", "", on("deployments", "get"), forbidden(request("get"), ""), false},
		{"a binding by apply", "", bind("roles", "reader"), bound("patch", "Role", "reader"), true},
		{"a binding by create", "", bind("clusterroles", "reader"), bound("create", "ClusterRole", "reader"), true},
		{"a binding to another role", "", bind("roles", "writer"), bound("patch", "Role", "reader"), false},
		{"a binding to a ClusterRole", "", bind("roles", "reader"), bound("patch", "ClusterRole", "reader"), false},
		{
			"a non-resource URL", "",
			rbacv1.PolicyRule{Verbs: []string{"get"}, NonResourceURLs: []string{"/readyz"}},
			auditv1.Event{Verb: "get", RequestURI: "/readyz?verbose"},
			true,
		},
	} {
		grants := Grants("ClusterRole operator", false, test.namespace, []rbacv1.PolicyRule{test.rule})
		if used := len(unused(grants, []auditv1.Event{test.request})) == 0; used != test.used {
			t.Errorf("%s: the permission counts as used: %t, want %t", test.what, used, test.used)
		}
	}
}

// on returns a rule for a resource of group apps.
func on(resource, verb string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{
		Verbs: []string{verb}, APIGroups: []string{"apps"}, Resources: []string{resource}, ResourceNames: names,
	}
}

func TestBuiltInRoleIsUsedIfAnyOfItsPermissionsIs(t *testing.T) {
	rules := []rbacv1.PolicyRule{on("deployments", "get"), on("deployments", "list")}
	grants := Grants("Role reader", true, "a", rules)
	if left := unused(grants, []auditv1.Event{request("get")}); len(left) > 0 {
		t.Errorf("permissions %v of a built-in role that is used are reported as unused", left)
	}
	if left := unused(grants, nil); len(left) != len(grants) {
		t.Errorf("only %v of a built-in role that is not used are reported as unused", left)
	}
}

func TestUnusedPermissionIsReportedWithItsRoleAndARemedy(t *testing.T) {
	grants := Grants("Role operator", false, "a", []rbacv1.PolicyRule{on("deployments", "get", "b")})
	err := CheckGrants(grants, nil)
	for _, part := range []string{
		`Role operator grants the permission to get deployments of apps named "b" in namespace "a"`, "make generate",
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in the error: %v", part, err)
		}
	}
}

func TestOnlyDenialsByRBACAreReported(t *testing.T) {
	const cannot = `secrets is forbidden: User "operator" cannot list resource "secrets"`
	const admin = `user "operator" is ` + escalation + ": all"
	byQuota := answered(403, request("patch"))
	byQuota.ResponseStatus.Message = "exceeded quota"
	escalating := bound("patch", "Role", "admin")
	escalating.ResponseStatus = &metav1.Status{Code: 403, Message: admin}
	for _, test := range []struct {
		what   string
		events []auditv1.Event
		wanted []string
	}{
		{"an allowed request", []auditv1.Event{request("get")}, nil},
		{"a request that a quota denies", []auditv1.Event{byQuota}, nil},
		{"a request without a response", []auditv1.Event{{Verb: "get", RequestURI: "/apis"}}, nil},
		{
			"the same denial twice",
			[]auditv1.Event{forbidden(request("list"), cannot), forbidden(request("list"), cannot)},
			[]string{cannot},
		},
		{"a binding to a role without the permission to bind it", []auditv1.Event{escalating}, []string{admin}},
	} {
		if found := refusals(test.events); !slices.Equal(found, test.wanted) {
			t.Errorf("%s: got denials %q, want %q", test.what, found, test.wanted)
		}
	}
}
