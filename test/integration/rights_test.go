// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/extensionapi/extensionapi-operator/test/docs"
)

// TestOperatorActsOnlyForUsersWithThePermissions checks the table in docs/concepts/security.md. The operation of a row
// is tried with every subset of its permissions, and must be allowed only with all of them. Each request is a dry run.
func TestOperatorActsOnlyForUsersWithThePermissions(t *testing.T) {
	t.Parallel()
	table := readRightsTable(t)
	expectRowsAndOperations(t, table)
	createNamespace(t, byHand)
	grantAll(t, table)
	user := newAuthor(t)
	for _, row := range table {
		for i, operation := range operations[row.to] {
			t.Run(fmt.Sprintf("%s (%d)", row.to, i+1), func(t *testing.T) {
				t.Parallel()
				attempt := operation(t)
				for subset := range subsets(row.takes) {
					err := attempt(withRights(subset), user)
					if wrong := judgeAnswer(subset, row.takes, err); wrong != nil {
						t.Fatalf("with the permissions %v: %v", subset, wrong)
					}
				}
			})
		}
	}
}

// rightsRow is a row of the table.
type rightsRow struct {
	to    string
	takes []right
}

func readRightsTable(t *testing.T) []rightsRow {
	t.Helper()
	document, err := docs.Read(repository + "/docs/concepts/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var table []rightsRow
	for _, cells := range document.Table("to", "requires permission to") {
		takes, err := parseRights(cells[1])
		if err != nil {
			t.Fatalf("%s: %q: %v", document.Path, cells[0], err)
		}
		table = append(table, rightsRow{cells[0], takes})
	}
	return table
}

// parseRights parses a cell of the table, such as "create APIServices, Deployments; get Services".
func parseRights(text string) ([]right, error) {
	if text == "nothing more" {
		return nil, nil
	}
	var rights []right
	for part := range strings.SplitSeq(text, "; ") {
		verb, kinds, _ := strings.Cut(part, " ")
		for kind := range strings.SplitSeq(kinds, ", ") {
			resources, known := resourcesOf[kind]
			if !known {
				return nil, fmt.Errorf("unknown kind %q", kind)
			}
			for _, resource := range resources {
				rights = append(rights, right{verb, resource})
			}
		}
	}
	return rights, nil
}

// writers may write ExtensionAPIs.
const writers = "writers of ExtensionAPIs"

func withRights(rights []right) context.Context {
	groups := []string{writers}
	for _, right := range rights {
		groups = append(groups, right.group())
	}
	return inGroups(groups...)
}

// grantAll grants every permission in the table to a group of its own.
func grantAll(t *testing.T, table []rightsRow) {
	t.Helper()
	grantNow(t, "", writers, writing)
	all := sets.New[right]()
	for _, row := range table {
		all.Insert(row.takes...)
	}
	for right := range all {
		grant(t, right.namespace(), right.group(), right.rule())
	}
	for right := range all {
		awaitGrant(t, right.namespace(), right.group(), right.rule())
	}
}

func expectRowsAndOperations(t *testing.T, table []rightsRow) {
	t.Helper()
	for _, row := range table {
		if len(operations[row.to]) == 0 {
			t.Errorf("no operation tests the documented row: %s", row.to)
		}
	}
	for to := range operations {
		if !slices.ContainsFunc(table, func(row rightsRow) bool { return row.to == to }) {
			t.Errorf("the docs have no row with the permissions to: %s", to)
		}
	}
}

// manyRights is the number of permissions from which not every subset is tried. A request that is denied because one or
// two permissions are missing is not allowed when more are missing.
const manyRights = 9

// subsets yields every subset of the permissions; if there are many, only those that lack up to two of them, and the
// empty one.
func subsets(rights []right) iter.Seq[[]right] {
	return func(yield func([]right) bool) {
		for chosen := range 1 << len(rights) {
			lacks := len(rights) - bits.OnesCount(uint(chosen))
			if len(rights) >= manyRights && lacks > 2 && chosen > 0 {
				continue
			}
			var subset []right
			for i, right := range rights {
				if chosen&(1<<i) != 0 {
					subset = append(subset, right)
				}
			}
			if !yield(subset) {
				return
			}
		}
	}
}

// judgeAnswer returns an error if the response to a user with some of the required permissions is wrong.
func judgeAnswer(has, takes []right, answer error) error {
	lacks := slices.DeleteFunc(slices.Clone(takes), func(r right) bool { return slices.Contains(has, r) })
	switch {
	case len(lacks) == 0 && answer != nil:
		return fmt.Errorf("the request is denied: %w", answer)
	case len(lacks) == 0:
		return nil
	case answer == nil:
		return fmt.Errorf("the request is allowed without the permission to %s", lacks[0])
	case !apierrors.IsForbidden(answer):
		return fmt.Errorf("the request fails: %w", answer)
	}
	for _, lacking := range lacks {
		if refusalOf(lacking).MatchString(answer.Error()) {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("the message does not name the permission to %s", lacks[0]), answer)
}

// refusalOf matches the message for a user who lacks a permission. The object is named if there is only one of its
// kind.
func refusalOf(lacking right) *regexp.Regexp {
	what := regexp.QuoteMeta(lacking.String()) + `(/\S+)?`
	where, flag := "", ""
	if namespace := lacking.namespace(); namespace != "" {
		where, flag = " in namespace "+namespace, " --namespace="+namespace
	}
	return regexp.MustCompile(fmt.Sprintf(
		"'extensionapi-operator-rights' denied request: %[1]s may not %[2]s%[3]s, and the operator does nothing for "+
			`ExtensionAPI \S+ that %[1]s may not do by hand\. A cluster administrator can grant this permission; to verify it: `+
			"kubectl auth can-i --as=%[1]s %[2]s%[4]s$", author, what, where, flag))
}
