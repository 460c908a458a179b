// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"
)

// TestEveryRightOfTheOperatorIsDocumented compares its roles with the tables of verbs in docs/security.md.
func TestEveryRightOfTheOperatorIsDocumented(t *testing.T) {
	const file = repository + "/docs/security.md"
	document, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	documented := sets.New[string]()
	for _, row := range document.Rows {
		if !areVerbs(row[1]) {
			continue
		}
		for resource := range strings.SplitSeq(row[0], ", ") {
			documented.Insert(row[1] + " " + resource)
		}
	}
	given := rights(t, "role.yaml").Union(rights(t, "operator_role.yaml"))
	for _, right := range sets.List(given.Difference(documented)) {
		t.Errorf("%s does not tell that the operator may %s", file, right)
	}
	for _, right := range sets.List(documented.Difference(given)) {
		t.Errorf("%s tells that the operator may %s, which it may not", file, right)
	}
}

func areVerbs(cell string) bool {
	known := []string{"bind", "create", "delete", "get", "list", "patch", "update", "watch"}
	return !slices.ContainsFunc(strings.Split(cell, ", "), func(word string) bool { return !slices.Contains(known, word) })
}

// rights are what a role allows, such as "get, list deployments.apps".
func rights(t *testing.T, file string) sets.Set[string] {
	t.Helper()
	encoded, err := os.ReadFile(repository + "/config/rbac/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var role rbacv1.Role
	if err := yaml.UnmarshalStrict(encoded, &role); err != nil {
		t.Fatal(err)
	}
	found := sets.New[string]()
	for _, rule := range role.Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				name := strings.TrimSuffix(resource+"."+group, ".")
				found.Insert(strings.Join(slices.Sorted(slices.Values(rule.Verbs)), ", ") + " " + name)
			}
		}
	}
	return found
}
