// SPDX-License-Identifier: Apache-2.0

// Package monitoring reads the alerts and the dashboard of the chart, and checks their queries with promtool.
package monitoring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

// root is the repository relative to the test packages, which all have the same depth.
const root = "../.."

// Promtool runs promtool, and returns an error with its output when it fails.
func Promtool(t *testing.T, arguments ...string) error {
	t.Helper()
	//nolint:gosec // the program is this repository's, and tests give the arguments
	output, err := exec.CommandContext(t.Context(), absolute(t, "bin/tools/promtool"), arguments...).CombinedOutput()
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatal("bin/tools/promtool is missing: run 'make bin/tools/promtool'")
	}
	if err != nil {
		return fmt.Errorf("promtool: %w\n%s", err, output)
	}
	return nil
}

// read returns a file of the repository.
func read(t *testing.T, path string) []byte {
	t.Helper()
	//nolint:gosec // tests name the files
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// absolute returns the absolute path of a file of the repository.
func absolute(t *testing.T, path string) string {
	t.Helper()
	result, err := filepath.Abs(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// write writes a file in YAML.
func write(t *testing.T, path string, value any) {
	t.Helper()
	content, err := yaml.Marshal(value)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
