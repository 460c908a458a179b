// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReleasesContainOnlyCommittedFiles(t *testing.T) {
	for name, test := range map[string]struct{ write, listed string }{
		"nothing differs":                    {"", ""},
		"a file is changed":                  {"main.go", "main.go"},
		"a file is new":                      {"charts/new.yaml", "charts/new.yaml"},
		"an ignored file would be packed":    {"charts/new.out", "charts/new.out"},
		"an ignored file would be compiled":  {"internal/a/new_gen.go", "internal/a/new_gen.go"},
		"an ignored file is of no influence": {"bin/tool.out", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "main.go", "package main")
			write(t, ".gitignore", "*.out\n*_gen.go\n")
			for _, arguments := range [][]string{
				{"init", "--quiet"},
				{"add", "."},
				{"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=first"},
				{"config", "status.showUntrackedFiles", "no"}, // as some users configure it
			} {
				if _, err := output(t.Context(), "git", arguments...); err != nil {
					t.Fatal(err)
				}
			}
			if test.write != "" {
				write(t, test.write, "other")
			}
			_, _, err := checkedOut(t.Context(), "v0.1.0")
			if (err == nil) != (test.listed == "") || err != nil && !strings.Contains(err.Error(), test.listed) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
