// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"

	"github.com/extensionapi/extensionapi-operator/test/docs"
)

// TestWhatToolsConcludeIsDocumented compares the table in the docs with what kstatus and the health check compute for
// the objects that its first column names.
func TestWhatToolsConcludeIsDocumented(t *testing.T) {
	described, err := docs.Read(document)
	if err != nil {
		t.Fatal(err)
	}
	found := described.Table("object", "state", "Flux, Helm", "Argo CD")
	wanted := map[string][]string{}
	for _, path := range inputs(t) {
		object := readObject(t, path)
		computed, err := status.Compute(object)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		health, err := HealthOf(object, script(t))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		wanted[filepath.Base(path)] = []string{computed.Status.String(), health.Status}
	}
	for _, row := range found {
		name := row[0] + ".yaml"
		if !slices.Equal(row[2:], wanted[name]) {
			t.Errorf("%s has %q for %s, want %q", document, row[2:], name, wanted[name])
		}
		delete(wanted, name)
	}
	for name, concluded := range wanted {
		t.Errorf("the table in %s lacks %s: %q", document, name, concluded)
	}
}
