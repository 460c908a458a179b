// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestReadReturnsRequestsOfOneUserFromAllFilesWithoutIncompleteLines(t *testing.T) {
	dir := t.TempDir()
	for file, content := range map[string]string{
		"audit-2026-11-22T22-00-00.000.log": `{"verb":"get","user":{"username":"operator"}}` + "\n",
		"audit.log": `{"verb":"list","user":{"username":"operator"}}` + "\n" +
			`{"verb":"delete","user":{"username":"another"},"requestURI":"/of/operator"}` + "\n" +
			`{"verb":"watch","user":{"username":"operator"`,
		"other.log": "not JSON of the operator\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	events, err := Read(dir, "operator")
	if err != nil {
		t.Fatal(err)
	}
	var verbs []string
	for _, event := range events {
		verbs = append(verbs, event.Verb)
	}
	if wanted := []string{"get", "list"}; !slices.Equal(verbs, wanted) {
		t.Errorf("got requests %v, want %v", verbs, wanted)
	}
}
