// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
)

// glossary has the table of words that Kubernetes' users would not search for.
const glossary = repository + "/docs/reference/glossary.md"

// words match the left column of that table. Where a word has other uses, the pattern has what makes it this one, or
// allowed matches those uses, which are removed first.
var words = map[string]struct{ pattern, allowed *regexp.Regexp }{
	"told":          {pattern: word(`tells?|told|telling`)},
	"somebody else": {pattern: word(`somebody|someone else`)},
	// crypto/x509, kubectl's flags and the ids of messages have the others.
	"authority": {
		pattern: word(`authority|authorities`),
		allowed: regexp.MustCompile(`unknown authority|authority certificate|certificate[ -]authority|[a-z]-authority`),
	},
	// OLM and OpenAPI have others; Grafana's key and CEL variables are code.
	"definition": {
		pattern: word(`definitions?`),
		allowed: regexp.MustCompile(`"definitions?"|name: definitions|variables\.definitions|group-of-definition`),
	},
	"anew":              {pattern: word(`anew`)},
	"take over":         {pattern: regexp.MustCompile(`(?i)\b(take|takes|taken|taking|took) over [^0-9]`)},
	"let go":            {pattern: word(`lets? go`)},
	"rights":            {pattern: regexp.MustCompile(`(?i)(^|[^\w./-])rights($|[^\w.-]|\.($|\s))`)},
	"put back":          {pattern: word(`puts? back`)},
	"hand-over":         {pattern: word(`hand-?over|hands? over`)},
	"hurt":              {pattern: word(`hurts?`)},
	"straight":          {pattern: word(`straight`)},
	"bad replica":       {pattern: word(`bad (replica|one|Pod)s?`)},
	"good replica":      {pattern: word(`good (replica|Pod)s?`)},
	"ends":              {pattern: word(`(process|program|Pod|container|server|operator|shell) ends`)},
	"kept connection":   {pattern: word(`kept connections?`)},
	"bill of materials": {pattern: word(`bills? of materials`)},
}

func word(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b(` + pattern + `)\b`) }

func TestTheGlossaryListsTheWordsThatAreRefused(t *testing.T) {
	document, err := Read(glossary)
	if err != nil {
		t.Fatal(err)
	}
	listed := sets.New[string]()
	for _, row := range document.Table("not", "but", "allowed in") {
		listed.Insert(strings.Split(row[0], ", ")...)
	}
	if known := sets.KeySet(words); !listed.Equal(known) {
		t.Errorf("%s lists %q, the test has %q", glossary, sets.List(listed), sets.List(known))
	}
}

// TestWordsAreThoseOfTheGlossary reads the pages, the chart and config as text, the comments of the API, and the
// strings of all programs, of which messages are made.
func TestWordsAreThoseOfTheGlossary(t *testing.T) {
	for place, text := range everyText(t) {
		for _, found := range refused(text) {
			t.Errorf("%s: %s", place, found)
		}
	}
}

func TestRefusedWordsAreFoundButNotInOtherUses(t *testing.T) {
	for text, want := range map[string]int{
		"The operator is told by somebody.":                             2,
		"signed by unknown authority":                                   0,
		"the authority of a server":                                     1,
		"a CustomResourceDefinition; HeldByCustomResourceDefinition":    0,
		"An APIService would hide the definition's objects":             1,
		"it takes over 5 s":                                             0,
		"another replica takes over the Lease":                          1,
		"with the rights of a user. It has rights.":                     1,
		"rights_policy.yaml, extensionapi-operator-rights, rights.yaml": 0,
		"the name ends in a number":                                     0,
		"when the process ends":                                         1,
	} {
		if got := refused(text); len(got) != want {
			t.Errorf("%q: got %q, want %d", text, got, want)
		}
	}
}

// refused returns the words in a text that the glossary refuses.
func refused(text string) []string {
	var found []string
	for name, word := range words {
		rest := text
		if word.allowed != nil {
			rest = word.allowed.ReplaceAllString(text, "")
		}
		if match := word.pattern.FindString(rest); match != "" {
			found = append(found, fmt.Sprintf("%q: see %q in the glossary: %s", strings.TrimSpace(match), name, text))
		}
	}
	return found
}

// everyText returns the texts to read by their places.
func everyText(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	add := func(directory string, read func(path string, texts map[string]string) error) {
		err := filepath.WalkDir(filepath.Join(repository, directory), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			return read(path, texts)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"README.md", "docs", "charts", "config"} {
		add(path, readLines)
	}
	for _, path := range []string{"main.go", "checks.go", "api", "cmd", "controllers", "internal"} {
		add(path, readStrings)
	}
	if len(texts) < 10000 {
		t.Errorf("only %d texts were read", len(texts))
	}
	return texts
}

// readLines reads a file by lines. The glossary itself is left out.
func readLines(path string, texts map[string]string) error {
	if path == glossary {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(content), "\n") {
		texts[fmt.Sprintf("%s:%d", path, i+1)] = line
	}
	return nil
}

// readStrings reads the strings of a Go file, and for the API its comments.
func readStrings(path string, texts map[string]string) error {
	if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
		return nil
	}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	for node := range ast.Preorder(parsed) {
		if literal, isLiteral := node.(*ast.BasicLit); isLiteral && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				return err
			}
			texts[files.Position(literal.Pos()).String()] = text
		}
	}
	if strings.Contains(path, "/api/") {
		for _, comment := range parsed.Comments {
			texts[files.Position(comment.Pos()).String()] = comment.Text()
		}
	}
	return nil
}
