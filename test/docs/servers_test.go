// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestServersAreDocumentedAsTheyAreTested compares the manifests in docs/servers.md with the files that the end-to-end
// tests apply.
func TestServersAreDocumentedAsTheyAreTested(t *testing.T) {
	document, err := Read(repository + "/docs/servers.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range []string{"metrics-server.yaml", "custom-metrics.yaml", "autoscaler.yaml"} {
		content, err := os.ReadFile(filepath.Join(repository, "config/samples", sample))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(document.Blocks, func(b Block) bool { return b.Text == withoutHeader(string(content)) }) {
			t.Errorf("%s has no block that is equal to config/samples/%s without its first comment", document.Path, sample)
		}
	}
}

// TestTheSampleOfControllersIsDocumented compares the manifests in docs/controllers.md with the sample.
func TestTheSampleOfControllersIsDocumented(t *testing.T) {
	document, err := Read(repository + "/docs/controllers.md")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(repository, "config/samples/controllers.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := document.Blocks[0].Text + "---\n" + document.Blocks[1].Text; withoutHeader(string(content)) != want {
		t.Errorf("config/samples/controllers.yaml is not\n%s", want)
	}
}

// withoutHeader returns a file without the comment that it begins with.
func withoutHeader(file string) string {
	for strings.HasPrefix(file, "#") {
		_, file, _ = strings.Cut(file, "\n")
	}
	return file
}
