// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// everything is a values file that enables everything.
const everything = "test/chart/testdata/everything.yaml"

// TestSnapshot compares the rendered chart with golden files. `go test ./test/chart -run Snapshot -update` writes them.
func TestSnapshot(t *testing.T) {
	for name, arguments := range map[string][]string{
		"default":    nil,
		"everything": {"--values", everything},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rendered := withoutBlankLines(render(t, "helm", arguments...))
			if withHelm3 := withoutBlankLines(render(t, "helm3", arguments...)); rendered != withHelm3 {
				t.Errorf("Helm 3 and Helm 4 render different manifests: %s", firstDifference(withHelm3, rendered))
			}
			compareGolden(t, filepath.Join("testdata", name+".golden.yaml"), withoutFiles(rendered))
		})
	}
}

// withoutBlankLines removes blank lines, in which Helm 3 and 4 differ.
func withoutBlankLines(rendered []byte) string {
	return regexp.MustCompile(`(?m)^[ \t]*\n`).ReplaceAllString(string(rendered), "")
}

// ofFile matches objects whose content is copied unchanged from files/, which is written and tested elsewhere.
var ofFile = regexp.MustCompile(
	`(?ms)^(kind: (?:CustomResourceDefinition|PrometheusRule|ConfigMap)\n.*?^(?:spec|data):\n).*`)

func withoutFiles(rendered string) string {
	documents := strings.Split(rendered, "\n---\n")
	for i := range documents {
		documents[i] = ofFile.ReplaceAllString(documents[i], "${1}  # as in files/\n")
	}
	return strings.Join(documents, "\n---\n")
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from the rendered chart: %s; if intended, run go test ./test/chart -run Snapshot -update",
			path, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	gotLines, wantLines := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			return fmt.Sprintf("line %d is %q, want %q", i+1, gotLines[i], wantLines[i])
		}
	}
	return fmt.Sprintf("there are %d lines, want %d", len(gotLines), len(wantLines))
}
