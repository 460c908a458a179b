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

// TestOperatorActsOnlyForThoseWhoMayDoItByHand walks the table in docs/security.md. What a row speaks of is tried with
// every subset of the rights in it, and admitted with all of them only. Nothing is kept: each request is a dry run.
func TestOperatorActsOnlyForThoseWhoMayDoItByHand(t *testing.T) {
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
						t.Fatalf("with the rights %v: %v", subset, wrong)
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
	document, err := docs.Read(repository + "/docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var table []rightsRow
	for _, cells := range document.Table("to", "takes the rights to") {
		takes, err := parseRights(cells[1])
		if err != nil {
			t.Fatalf("%s: %q: %v", document.Path, cells[0], err)
		}
		table = append(table, rightsRow{cells[0], takes})
	}
	return table
}

// parseRights reads what the docs say, such as "create APIServices, Deployments; get Services".
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
				return nil, fmt.Errorf("nobody has rights to %q", kind)
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

// grantAll gives every right in the table to a group of its own.
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
			t.Errorf("nothing is tried of what the docs say about: %s", row.to)
		}
	}
	for to := range operations {
		if !slices.ContainsFunc(table, func(row rightsRow) bool { return row.to == to }) {
			t.Errorf("the docs do not say which rights it takes to: %s", to)
		}
	}
}

// manyRights is from where on not every subset is tried. What is refused for the lack of one right, or of two, does not
// become admitted for the lack of others.
const manyRights = 9

// subsets yields every subset of the rights; of many, those that lack up to two of them, and none at all.
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

// judgeAnswer returns what is wrong with the answer to a user who has some of the rights that it takes.
func judgeAnswer(has, takes []right, answer error) error {
	lacks := slices.DeleteFunc(slices.Clone(takes), func(r right) bool { return slices.Contains(has, r) })
	switch {
	case len(lacks) == 0 && answer != nil:
		return fmt.Errorf("it is refused: %w", answer)
	case len(lacks) == 0:
		return nil
	case answer == nil:
		return fmt.Errorf("it is admitted without the right to %s", lacks[0])
	case !apierrors.IsForbidden(answer):
		return fmt.Errorf("it fails: %w", answer)
	}
	for _, lacking := range lacks {
		if refusalOf(lacking).MatchString(answer.Error()) {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("the user is not told of the right to %s", lacks[0]), answer)
}

// refusalOf is the message for a user who lacks a right. The object is named where there is only one of its kind.
func refusalOf(lacking right) *regexp.Regexp {
	what := regexp.QuoteMeta(lacking.String()) + `(/\S+)?`
	where, flag := "", ""
	if namespace := lacking.namespace(); namespace != "" {
		where, flag = " in namespace "+namespace, " --namespace="+namespace
	}
	return regexp.MustCompile(fmt.Sprintf(
		"'extensionapi-operator-rights' denied request: %[1]s may not %[2]s%[3]s, and the operator does nothing for "+
			`ExtensionAPI \S+ that %[1]s may not do by hand\. Ask a cluster administrator for this right, which is there when `+
			"this says yes: kubectl auth can-i --as=%[1]s %[2]s%[4]s$", author, what, where, flag))
}
