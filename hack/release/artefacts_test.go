// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestImageIsAnnotatedWithItsSource(t *testing.T) {
	got := annotations("v0.1.0", commit{hash: "1a1c16a", time: time.Unix(1793300000, 0).UTC()})
	want := []string{
		"org.opencontainers.image.created=2026-10-29T18:53:20Z",
		"org.opencontainers.image.licenses=Apache-2.0",
		"org.opencontainers.image.revision=1a1c16a",
		"org.opencontainers.image.source=https://github.com/extensionapi/extensionapi-operator",
		"org.opencontainers.image.title=extensionapi-operator",
		"org.opencontainers.image.version=v0.1.0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSBOMDoesNotDependOnTheBuildOfItsTool(t *testing.T) {
	sbom := func(hash string) string {
		return `{"components":[{"name":"a"}],"metadata":{"tools":[{"hashes":["` + hash + `"],"name":"cyclonedx-gomod"}]}}`
	}
	one, err := withoutToolHashes([]byte(sbom("1")))
	if err != nil {
		t.Fatal(err)
	}
	other, err := withoutToolHashes([]byte(sbom("2")))
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(other) || !strings.Contains(string(one), `"name": "a"`) {
		t.Errorf("got\n%s\nand\n%s", one, other)
	}
}

func TestUnexpectedSBOMsAreRejected(t *testing.T) {
	for _, sbom := range []string{"{}", `{"metadata":{"tools":[]}}`} {
		if _, err := withoutToolHashes([]byte(sbom)); err == nil {
			t.Errorf("%q passes", sbom)
		}
	}
}

func TestChecksumsMatchSha256sum(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"b": "", "a": "a\n"} {
		write(t, filepath.Join(dir, name), content)
	}
	if err := writeChecksums(dir); err != nil {
		t.Fatal(err)
	}
	got := read(t, filepath.Join(dir, "SHA256SUMS"))
	want := "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7  a\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMissingToolsAreReportedWithTheirMakeTarget(t *testing.T) {
	err := checkTools(t.TempDir())
	for _, want := range []string{"make bin/tools/helm", "make bin/tools/cyclonedx-gomod"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}
