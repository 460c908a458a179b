// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutputIsComparedWithoutWhatDiffersInEachRun(t *testing.T) {
	for _, test := range []struct {
		shown, printed string
		same           bool
	}{
		{"", "anything", true},
		{"created", "created", true},
		{"created", "unchanged", false},
		{"created", "created\nWarning: more", false},
		{"NAME   AGE\na      7s", "NAME                 AGE\na                    41s\n\n", true},
		{"pod/wardle-6fc6559c5b-5mjr4 1/1", "pod/wardle-7b8f4c5f97-w7x5n   1/1", true},
		{"pod/wardle-6fc6559c5b-5mjr4 1/1", "pod/wardle-7b8f4c5f97-w7x5n   0/1", false},
		{"STATUS: deployed\n…", "STATUS: deployed\nREVISION: 1\nNOTES", true},
		{"…\nconfigured", "namespace unchanged\nconfigured", true},
		{"…\nconfigured", "namespace unchanged", false},
		{"Warning: […] deleting a, […]", "Warning: policy denied: deleting a, and more", true},
		{"Warning: […] deleting a", "Warning: policy denied: deleting b", false},
		{"created (a)", "created (a)", true},
	} {
		if got := matches(strings.Split(test.shown, "\n"), strings.Split(test.printed, "\n")); got != test.same {
			t.Errorf("matches(%q, %q) is %t", test.shown, test.printed, got)
		}
	}
}

func TestCommandsShareOneShellAndTheirOutputIsCompared(t *testing.T) {
	for name, test := range map[string]struct{ text, err string }{
		"as documented":    {"$ a=1\n$ echo $a\n1", ""},
		"another output":   {"$ echo b\nc\n$ echo d\nd", "echo b\nis documented to print\nc\nand printed\nb"},
		"a failure":        {"$ echo a\na\n$ echo why; false\n$ echo b", "line 4: failed: echo why; false\nwhy"},
		"error output too": {"$ echo no >&2\nyes", "and printed\nno"},
	} {
		read, err := parse(fence + "console\n" + test.text + "\n" + fence + "\n")
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		err = run(t.Context(), read, &log)
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: got error %v, want %q", name, err, test.err)
		}
	}
}

// pages are those of which every command is run.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, folder := range []string{"getting-started", "tasks"} {
		found, err := filepath.Glob(filepath.Join("../../docs", folder, "*.md"))
		if err != nil || len(found) == 0 {
			t.Fatal("no pages in ", folder, err)
		}
		all = append(all, found...)
	}
	return all
}

func readPage(t *testing.T, path string) page {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read, err := parse(string(source))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return read
}
