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
)

// root is the repository relative to the test packages, which all have the same depth.
const root = "../.."

// Promtool runs promtool, and returns an error with its output when it fails.
func Promtool(t *testing.T, arguments ...string) error {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(root, "bin/tools/promtool"))
	if err != nil {
		t.Fatal(err)
	}
	//nolint:gosec // the program is this repository's, and tests give the arguments
	output, err := exec.CommandContext(t.Context(), program, arguments...).CombinedOutput()
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
