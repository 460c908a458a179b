// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const source = "# Documentation\n\n## Overview\n\n- [What](../README.md)\n- [FAQ](overview/faq.md)\n\n" +
	"## Getting started\n\n- [Architecture](ARCHITECTURE.md), [more](getting-started/quick.pt-BR.md)\n"

func TestTheIndexOrdersThePages(t *testing.T) {
	got := sections(source)
	want := []section{
		{"Overview", "\n- [What](../README.md)\n- [FAQ](overview/faq.md)\n", []string{"docs/overview/faq.md"}},
		{
			"Getting started", "\n- [Architecture](ARCHITECTURE.md), [more](getting-started/quick.pt-BR.md)\n",
			[]string{"docs/ARCHITECTURE.md", "docs/getting-started/quick.pt-BR.md"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if got := addresses(got); !reflect.DeepEqual(got, map[string]string{
		index: "", "docs/overview/faq.md": "overview/faq", "docs/ARCHITECTURE.md": "getting-started/architecture",
		"docs/getting-started/quick.pt-BR.md": "getting-started/quick-pt-br",
	}) {
		t.Errorf("the pages are at %v", got)
	}
}

func TestLinksLeadToPagesOfTheSiteOrToTheRepository(t *testing.T) {
	site := addresses(sections(source))
	for text, want := range map[string]string{
		"[a](../ARCHITECTURE.md#rules)":  "[a](../../getting-started/architecture/#rules)",
		"[a](faq.md)":                    "[a](../../overview/faq/)",
		"[a\nb](faq.md#c)":               "[a\nb](../../overview/faq/#c)",
		"[a](../README.md)":              "[a](../../)",
		"[a](#here)":                     "[a](#here)",
		"[a](https://example.com/x#y)":   "[a](https://example.com/x#y)",
		"[a](../../README.md), [b](#c)":  "[a](" + published + "README.md), [b](#c)",
		"```\n[a](faq.md)\n```\n":        "```\n[a](faq.md)\n```\n",
		"[`a`](../../api/v1alpha1/x.go)": "[`a`](" + published + "api/v1alpha1/x.go)",
	} {
		if got := rewrite(text, "docs/overview/faq.md", "overview/faq", site); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestThePageIsWithoutItsTitle(t *testing.T) {
	title, text, err := split("a.md", "<!-- c -->\n# A `b`\n\nText.\n")
	if title != "A `b`" || text != "<!-- c -->\nText.\n" || err != nil {
		t.Errorf("got %q, %q, %v", title, text, err)
	}
	if _, _, err := split("a.md", "## B\n"); err == nil {
		t.Error("a page without a title is accepted")
	}
}

func TestEveryDocumentIsOnTheSite(t *testing.T) {
	pages, err := read("../..")
	if err != nil {
		t.Fatal(err)
	}
	documents := 0
	err = filepath.WalkDir("../../docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			documents++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for path, content := range pages {
		if !strings.HasPrefix(content, "---\ntitle: ") {
			t.Errorf("%s has no title", path)
		}
		if found := regexp.MustCompile(`\]\([^:)]+\.md[#)]`).FindString(content); found != "" {
			t.Errorf("%s has a link to a file: %s", path, found)
		}
		if !strings.HasSuffix(path, "/_index.md") {
			written++
		}
	}
	if written != documents {
		t.Errorf("the site has %d pages of %d documents", written, documents)
	}
}
