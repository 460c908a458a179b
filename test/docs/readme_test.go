// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// readmeLines is the number of lines that a platform engineer who decides in five minutes reads.
const readmeLines = 120

func TestTheREADMEIsShort(t *testing.T) {
	for _, file := range []string{"README.md", "README.pt-BR.md"} {
		if lines := strings.Count(page(t, file), "\n"); lines >= readmeLines {
			t.Errorf("%s has %d lines", file, lines)
		}
	}
}

// figure matches "1,502 of 2,227" and "2.26 s".
var figure = regexp.MustCompile(`[\d,]+ of [\d,]+|\d+\.\d+ s\b`)

// TestFiguresAreThoseOfTheBenchmarks looks for both numbers of each figure, since a table has them in two cells.
func TestFiguresAreThoseOfTheBenchmarks(t *testing.T) {
	benchmarks := page(t, "docs/reference/benchmarks.md")
	for _, file := range []string{"README.md", "docs/overview/comparison.md"} {
		figures := figure.FindAllString(page(t, file), -1)
		if len(figures) < 5 {
			t.Errorf("%s has only the figures %q", file, figures)
		}
		for _, found := range figures {
			for number := range strings.SplitSeq(found, " of ") {
				if !regexp.MustCompile(`(^|[^\d,.])` + regexp.QuoteMeta(number) + `($|[^\d,])`).MatchString(benchmarks) {
					t.Errorf("%s has %q, but docs/reference/benchmarks.md does not have %s", file, found, number)
				}
			}
		}
	}
}

func page(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(repository + "/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
