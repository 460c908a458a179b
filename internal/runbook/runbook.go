// SPDX-License-Identifier: Apache-2.0

// Package runbook finds reasons in the documentation, which is part of the program.
package runbook

import (
	"bufio"
	"bytes"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// Entry is what the documentation says of a reason, under one heading: several conditions may have the reason.
type Entry struct {
	Reason string `json:"reason"`
	// Heading is the condition, or what else has the reason.
	Heading string `json:"heading"`
	Meaning string `json:"meaning"`
	// Impact and Fix are empty where the documentation has none, such as for reasons of Events.
	Impact string `json:"impact,omitempty"`
	Fix    string `json:"fix,omitempty"`
	// URL is where it is documented.
	URL string `json:"url"`
}

// base is where the documents are published.
const base = "https://github.com/extensionapi/extensionapi-operator/blob/main/docs/"

// Runbook is all that is documented.
type Runbook []Entry

// Read returns what the documents say: the rows of their tables whose first column is "reason" or "check".
func Read(documents fs.FS) (Runbook, error) {
	var read Runbook
	err := fs.WalkDir(documents, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(documents, file)
		if err != nil {
			return err
		}
		read = append(read, entriesOf(file, content)...)
		return nil
	})
	return read, err
}

// entriesOf reads one document. Its tables have no line breaks and no escaped bars, as docs/reference/conditions.md.
func entriesOf(file string, content []byte) Runbook {
	var entries Runbook
	var heading, header string
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	for lines.Scan() {
		line := lines.Text()
		switch cells := cellsOf(line); {
		case strings.HasPrefix(line, "#"):
			heading, header = strings.TrimLeft(line, "# "), ""
		case cells == nil:
			header = ""
		case header == "":
			header = cells[0]
		case (header == "reason" || header == "check") && !strings.HasPrefix(cells[0], "---"):
			entries = append(entries, rowOf(file, heading, cells)...)
		}
	}
	return entries
}

// cellsOf returns the cells of a row, nil for another line.
func cellsOf(line string) []string {
	inner, isRow := strings.CutPrefix(line, "|")
	if !isRow {
		return nil
	}
	cells := strings.Split(strings.TrimSuffix(inner, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// anchored matches a reason with an anchor of its own, since Markdown has anchors for headings only.
var anchored = regexp.MustCompile(`^<a id="([^"]+)"></a>(.+)$`)

// rowOf has an entry for each of the reasons in the first cell.
func rowOf(file, heading string, cells []string) Runbook {
	var entries Runbook
	for reason := range strings.SplitSeq(cells[0], ", ") {
		fragment := anchor(heading)
		if found := anchored.FindStringSubmatch(reason); found != nil {
			fragment, reason = found[1], found[2]
		}
		entry := Entry{Reason: plain(reason), Heading: heading, URL: base + file + "#" + fragment}
		for i, field := range []*string{nil, &entry.Meaning, &entry.Impact, &entry.Fix} {
			if field != nil && i < len(cells) {
				*field = plain(cells[i])
			}
		}
		entries = append(entries, entry)
	}
	return entries
}

// anchor is GitHub's for a heading.
func anchor(heading string) string {
	kept := strings.Map(func(character rune) rune {
		if strings.ContainsRune("`,.:/()", character) {
			return -1
		}
		return character
	}, strings.ToLower(heading))
	return strings.ReplaceAll(kept, " ", "-")
}

// plain removes the markup of links and code.
func plain(text string) string {
	text = strings.ReplaceAll(text, "`", "")
	for {
		before, rest, found := strings.Cut(text, "](")
		begin := strings.LastIndex(before, "[")
		end := strings.Index(rest, ")")
		if !found || begin < 0 || end < 0 {
			return text
		}
		text = before[:begin] + before[begin+1:] + rest[end+1:]
	}
}

// Explain returns what is documented of a reason, or of all reasons of a condition, ignoring case.
func (r Runbook) Explain(name string) []Entry {
	entries := slices.DeleteFunc(slices.Clone(r), func(entry Entry) bool { return !strings.EqualFold(entry.Reason, name) })
	if len(entries) > 0 {
		return entries
	}
	return slices.DeleteFunc(slices.Clone(r), func(entry Entry) bool { return !strings.EqualFold(entry.Heading, name) })
}

// URL returns where a reason is documented; under several headings, the one of that name, or the first. It is empty for
// an unknown reason.
func (r Runbook) URL(reason, heading string) string {
	entries := r.Explain(reason)
	for _, entry := range entries {
		if entry.Heading == heading {
			return entry.URL
		}
	}
	if len(entries) == 0 {
		return ""
	}
	return entries[0].URL
}

// Similar returns the names that contain the text, ignoring case.
func (r Runbook) Similar(text string) []string {
	return slices.DeleteFunc(r.Names(), func(reason string) bool {
		return !strings.Contains(strings.ToLower(reason), strings.ToLower(text))
	})
}

// Names returns all reasons, and the conditions that have them, in alphabetical order.
func (r Runbook) Names() []string {
	var names []string
	for _, entry := range r {
		names = append(names, entry.Reason)
		if !strings.Contains(entry.Heading, " ") {
			names = append(names, entry.Heading)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
