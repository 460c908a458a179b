// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const repository = "../.."

func TestLinksWithinTheRepositoryAreValid(t *testing.T) {
	documents, err := ReadAll(repository)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]Document{}
	for _, document := range documents {
		known[document.Path] = document
	}
	for _, document := range documents {
		for _, link := range document.Links {
			if obstacle := follow(document, link, known); obstacle != "" {
				t.Errorf("%s links to %s, but %s", document.Path, link, obstacle)
			}
		}
	}
}

func TestIndexLinksToEveryDocument(t *testing.T) {
	documents, err := ReadAll(repository + "/docs")
	if err != nil || len(documents) < 2 {
		t.Fatal("no documents", err)
	}
	const index = repository + "/docs/README.md"
	listed, err := Read(index)
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range documents {
		name, err := filepath.Rel(filepath.Dir(index), document.Path)
		if err != nil {
			t.Fatal(err)
		}
		if name != filepath.Base(index) && !slices.Contains(listed.Links, name) {
			t.Errorf("%s does not link to %s", index, name)
		}
	}
}

// follow returns why a link is broken, and the empty string for valid and external links. Linked documents are those
// known by their paths.
func follow(document Document, link string, known map[string]Document) string {
	target, err := url.Parse(link)
	if err != nil {
		return err.Error()
	}
	if target.Scheme != "" {
		return ""
	}
	path := document.Path
	if target.Path != "" {
		path = filepath.Join(filepath.Dir(document.Path), target.Path)
	}
	if _, err := os.Stat(path); err != nil {
		return "the file does not exist"
	}
	if target.Fragment == "" {
		return ""
	}
	if !known[path].Anchors.Has(target.Fragment) {
		return "the file has no such heading"
	}
	return ""
}

func TestBrokenLinksAreDetected(t *testing.T) {
	directory := t.TempDir()
	document := Document{Path: filepath.Join(directory, "a.md")}
	content := "# `One` thing, and more\n"
	if err := os.WriteFile(filepath.Join(directory, "b.md"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	linked, err := Read(filepath.Join(directory, "b.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]Document{linked.Path: linked}
	for link, holds := range map[string]bool{
		"b.md":                    true,
		"b.md#one-thing-and-more": true,
		"b.md#two":                false,
		"c.md":                    false,
		"https://example.com/c":   true,
	} {
		if obstacle := follow(document, link, known); (obstacle == "") != holds {
			t.Errorf("link %s is valid: %t, want %t %s", link, !holds, holds, obstacle)
		}
	}
}
