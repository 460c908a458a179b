// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/extensionapi/extensionapi-operator/test/documented"
)

var (
	elision = regexp.MustCompile(`\[?…\]?`)
	spaces  = regexp.MustCompile(`\s+`)
)

// matches reports whether a command printed what the page shows. A line … stands for any lines, … in a line for any
// text; what differs in each run and the width of columns do not count.
func matches(shown, printed []string) bool {
	shown, printed = trimmed(shown), trimmed(printed)
	if len(shown) == 0 {
		return true // what a page leaves out may be printed
	}
	if shown[0] == "…" {
		return slices.ContainsFunc(suffixes(printed), func(rest []string) bool { return equal(shown[1:], rest) })
	}
	return len(printed) > 0 && sameLine(shown[0], printed[0]) && equal(shown[1:], printed[1:])
}

// equal is matches for the rest of an output, of which nothing may be left out.
func equal(shown, printed []string) bool {
	if len(shown) == 0 {
		return len(printed) == 0
	}
	return matches(shown, printed)
}

// suffixes returns the lines from each of them on, and none.
func suffixes(lines []string) [][]string {
	all := make([][]string, 0, len(lines)+1)
	for i := range len(lines) + 1 {
		all = append(all, lines[i:])
	}
	return all
}

// sameLine compares two lines. Normalization writes … for what differs, which is then equal in both.
func sameLine(shown, printed string) bool {
	pattern := regexp.QuoteMeta(normalized(elision.ReplaceAllString(shown, "…")))
	pattern = strings.ReplaceAll(pattern, "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(normalized(printed))
}

func normalized(line string) string {
	return spaces.ReplaceAllString(strings.TrimSpace(documented.Normalized(line)), " ")
}

// trimmed returns the lines that are not empty.
func trimmed(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.TrimSpace(line) == "" })
}
