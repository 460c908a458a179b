// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// index has every page, in the order of the menu.
const index = "docs/README.md"

// section is a folder of the site.
type section struct {
	title string
	// text is what the index has below the title.
	text string
	// pages are the files of the section, in order.
	pages []string
}

// folder is the title as GitHub makes an anchor of it, which is the name of the folder in docs.
func (s section) folder() string { return strings.ReplaceAll(strings.ToLower(s.title), " ", "-") }

var (
	// The text of a link may begin in the line above.
	link    = regexp.MustCompile(`(\]\()([^)\s#]*)(#[^)\s]*)?(\))`)
	heading = regexp.MustCompile(`(?m)^# (.+)\n+`)
)

// sections splits the index. Only files of docs are pages.
func sections(source string) []section {
	var all []section
	for _, part := range strings.Split(source, "\n## ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		read := section{title: title, text: text}
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			file := path.Join("docs", found[2])
			if strings.HasPrefix(file, "docs/") && path.Ext(file) == ".md" && !slices.Contains(read.pages, file) {
				read.pages = append(read.pages, file)
			}
		}
		all = append(all, read)
	}
	return all
}

// read returns the pages of the site, by their paths in Hugo's content directory.
func read(root string) (map[string]string, error) {
	source, err := os.ReadFile(filepath.Join(root, index)) //nolint:gosec // a constant
	if err != nil {
		return nil, err
	}
	all := sections(string(source))
	site := addresses(all)
	pages := map[string]string{"_index.md": firstPage(string(source), site)}
	for weight, section := range all {
		folder := section.folder()
		pages[folder+"/_index.md"] = front(section.title, weight+1) + rewrite(section.text, index, folder, site)
		for weight, file := range section.pages {
			content, err := os.ReadFile(filepath.Join(root, file)) //nolint:gosec // from the index
			if err != nil {
				return nil, err
			}
			title, text, err := split(file, string(content))
			if err != nil {
				return nil, err
			}
			pages[contentPath(site[file])] = front(title, weight+1) + rewrite(text, file, site[file], site)
		}
	}
	return pages, nil
}

// addresses returns the directory of each page on the site, by its file.
func addresses(all []section) map[string]string {
	site := map[string]string{index: ""}
	for _, section := range all {
		for _, file := range section.pages {
			name := strings.TrimSuffix(path.Base(file), ".md")
			site[file] = path.Join(section.folder(), strings.ToLower(strings.ReplaceAll(name, ".", "-")))
			if name == "README" {
				site[file] = section.folder() + "/start"
			}
		}
	}
	return site
}

func contentPath(address string) string { return address + ".md" }

// firstPage is the first page: the index itself. All pages have the layout with the menu.
func firstPage(source string, site map[string]string) string {
	_, text, _ := strings.Cut(source, "\n")
	return "---\ntitle: Documentation\ncascade:\n  type: docs\n---\n" + rewrite(text, index, "", site)
}

// front is what Hugo reads at the beginning of a page.
func front(title string, weight int) string {
	return fmt.Sprintf("---\ntitle: %q\nweight: %d\n---\n\n", strings.ReplaceAll(title, "`", ""), weight)
}

// split returns title and text of a page: the theme writes the title.
func split(file, source string) (title, text string, err error) {
	found := heading.FindStringSubmatchIndex(source)
	if found == nil {
		return "", "", fmt.Errorf("%s has no title", file)
	}
	return source[found[2]:found[3]], source[:found[0]] + source[found[1]:], nil
}

// rewrite makes the links of a file lead to pages of the site, and all others to the repository.
func rewrite(text, file, address string, site map[string]string) string {
	var out strings.Builder
	inFence := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			inFence = !inFence
		}
		if !inFence {
			line = link.ReplaceAllStringFunc(line, func(found string) string { return lead(found, file, address, site) })
		}
		out.WriteString(line)
	}
	return out.String()
}

func lead(found, file, address string, site map[string]string) string {
	parts := link.FindStringSubmatch(found)
	target, fragment := parts[2], parts[3]
	if target == "" || strings.Contains(target, ":") {
		return found
	}
	linked := path.Join(path.Dir(file), target)
	if to, isPage := site[linked]; isPage {
		return parts[1] + relative(address, to) + fragment + parts[4]
	}
	return parts[1] + published + linked + fragment + parts[4]
}

// relative returns the way from one page to another, so that the site can be served from any directory.
func relative(from, to string) string {
	up := "./"
	if from != "" {
		up = strings.Repeat("../", strings.Count(from, "/")+1)
	}
	if to == "" {
		return up
	}
	return up + to + "/"
}
