// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/extensionapi/extensionapi-operator/test/docs"
)

// documentedRoles maps the scopes of the operator's permissions in docs/concepts/security.md to roles. If the operator
// is restricted to serverNamespaces, its permissions in the namespaces of servers are separate from its cluster-wide
// ones, and it has some additional ones in its own namespace.
var documentedRoles = map[string]struct{ values, id string }{
	"cluster":           {"serverNamespaces={shop}", operatorRole},
	"server namespaces": {"serverNamespaces={shop}", "Role shop/extensionapi-operator:servers"},
	"kube-system":       {"", "Role kube-system/extensionapi-operator:bindings"},
	"default":           {"", "Role default/extensionapi-operator:events"},
	"own":               {"", "Role " + namespace + "/" + operator},
}

// TestEveryPermissionOfTheOperatorIsDocumented compares its roles with the table in docs/concepts/security.md.
func TestEveryPermissionOfTheOperatorIsDocumented(t *testing.T) {
	document, err := docs.Read(filepath.Join(root, "docs/concepts/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]sets.Set[string]{}
	for _, row := range document.Rows() {
		if _, found := documentedRoles[row[0]]; !found {
			continue
		}
		for resource := range strings.SplitSeq(row[1], ", ") {
			for verb := range strings.SplitSeq(row[2], ", ") {
				documented[row[0]] = sets.New(verb + " " + resource).Union(documented[row[0]])
			}
		}
	}
	for where, role := range documentedRoles {
		given := verbs(t, renderChart(t, "--set", role.values), role.id)
		for right := range given.Difference(documented[where]) {
			t.Errorf("%s does not document that the operator may %s (%s)", document.Path, right, where)
		}
		for right := range documented[where].Difference(given) {
			t.Errorf("%s documents that the operator may %s (%s), which it may not", document.Path, right, where)
		}
	}
}

// verbs returns what a role allows, ignoring resource names, such as "get deployments.apps".
func verbs(t *testing.T, from objects, id string) sets.Set[string] {
	t.Helper()
	role, found := get[struct{ Rules []rbacv1.PolicyRule }](t, from, id), sets.New[string]()
	for _, rule := range role.Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					found.Insert(verb + " " + strings.TrimSuffix(resource+"."+group, "."))
				}
			}
		}
	}
	return found
}
