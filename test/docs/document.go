// SPDX-License-Identifier: Apache-2.0

// Package docs reads the repository's Markdown files, so that tests can compare them with the code and with each other.
package docs

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extensionast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Document is a Markdown file.
type Document struct {
	// Path of the file.
	Path string
	// Anchors are the valid fragments of links to the document.
	Anchors sets.Set[string]
	// Links are the destinations of links and images, as written.
	Links []string
	// Blocks are the fenced code blocks.
	Blocks []Block
	Tables []Table
}

// Table is a table with the plain text of its cells.
type Table struct {
	Header []string
	Rows   [][]string
}

// Rows returns the rows of all tables.
func (d *Document) Rows() [][]string {
	var rows [][]string
	for _, table := range d.Tables {
		rows = append(rows, table.Rows...)
	}
	return rows
}

// Table returns the rows of the first table with that header, or nil if there is none.
func (d *Document) Table(header ...string) [][]string {
	for _, table := range d.Tables {
		if slices.Equal(table.Header, header) {
			return table.Rows
		}
	}
	return nil
}

// Block is a fenced code block.
type Block struct {
	// Language is the info string of the fence, such as yaml.
	Language string
	Text     string
}

// ReadAll returns the documents below the directory. Hidden directories and bin are skipped, since they are not part of
// the repository.
func ReadAll(directory string) ([]Document, error) {
	var documents []Document
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != directory && (entry.Name() == "bin" || strings.HasPrefix(entry.Name(), ".")) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		document, err := Read(path)
		documents = append(documents, document)
		return err
	})
	return documents, err
}

// Read returns the document at the path.
func Read(path string) (Document, error) {
	source, err := os.ReadFile(path) //nolint:gosec // the test names the file
	if err != nil {
		return Document{}, err
	}
	document := parse(source)
	document.Path = path
	return document, nil
}

func parse(source []byte) Document {
	document := Document{Anchors: sets.New[string]()}
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	// The function returns no error, so neither does Walk.
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			document.add(node, source)
		}
		return ast.WalkContinue, nil
	})
	return document
}

func (d *Document) add(node ast.Node, source []byte) {
	switch node := node.(type) {
	case *ast.Heading:
		d.Anchors.Insert(anchor(plain(node, source)))
	case *ast.RawHTML:
		if found := htmlAnchor.FindSubmatch(node.Segments.Value(source)); found != nil {
			d.Anchors.Insert(string(found[1]))
		}
	case *ast.Link:
		d.Links = append(d.Links, string(node.Destination))
	case *ast.Image:
		d.Links = append(d.Links, string(node.Destination))
	case *ast.FencedCodeBlock:
		d.Blocks = append(d.Blocks, Block{Language: string(node.Language(source)), Text: string(node.Lines().Value(source))})
	case *extensionast.Table:
		header := node.FirstChild()
		table := Table{Header: cells(header, source)}
		for row := header.NextSibling(); row != nil; row = row.NextSibling() {
			table.Rows = append(table.Rows, cells(row, source))
		}
		d.Tables = append(d.Tables, table)
	}
}

// htmlAnchor matches an anchor that is not that of a heading, such as that of a reason in a table.
var htmlAnchor = regexp.MustCompile(`^<a id="([^"]+)">$`)

func cells(row ast.Node, source []byte) []string {
	var texts []string
	for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
		texts = append(texts, plain(cell, source))
	}
	return texts
}

// plain returns the text below a node without markup.
func plain(node ast.Node, source []byte) string {
	var result bytes.Buffer
	_ = ast.Walk(node, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if leaf, isText := node.(*ast.Text); isText && entering {
			result.Write(leaf.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return result.String()
}

// anchor returns the anchor that GitHub generates for a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		default:
			return -1
		}
	}, strings.ToLower(heading))
}
