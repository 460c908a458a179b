// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
)

// TestEveryConditionAndReasonIsDocumented compares the constants of the API with the first cells of the tables in
// docs/reference/conditions.md.
func TestEveryConditionAndReasonIsDocumented(t *testing.T) {
	const file = repository + "/docs/reference/conditions.md"
	document, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	documented := sets.New[string]()
	for _, row := range document.Rows() {
		documented.Insert(strings.Split(row[0], ", ")...)
	}
	// APIServicesAvailable also has reasons set by kube-apiserver.
	documented.Delete("any other")
	known := constants(t, repository+"/api/v1alpha1/conditions.go")
	for _, missing := range sets.List(known.Difference(documented)) {
		t.Errorf("%s does not document %s", file, missing)
	}
	for _, unknown := range sets.List(documented.Difference(known)) {
		t.Errorf("%s documents %s, which does not exist", file, unknown)
	}
}

// constants returns the values of the string constants in a Go file.
func constants(t *testing.T, file string) sets.Set[string] {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := sets.New[string]()
	for node := range ast.Preorder(parsed) {
		spec, isValue := node.(*ast.ValueSpec)
		if !isValue {
			continue
		}
		for _, value := range spec.Values {
			literal, isLiteral := value.(*ast.BasicLit)
			if !isLiteral {
				t.Fatalf("%s: constant %s is not a string", file, spec.Names[0])
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			found.Insert(text)
		}
	}
	return found
}
