// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestKrewInstallsTheArchiveOfEachPlatform(t *testing.T) {
	checksums := map[platform]string{}
	for i, p := range platforms(pluginSystems) {
		checksums[p] = strings.Repeat(string("012345"[i]), 64)
	}
	text, err := krewManifest("v0.1.0", platforms(pluginSystems), checksums)
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{
		`apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: extensionapi
spec:
  version: v0.1.0
  homepage: https://github.com/extensionapi/extensionapi-operator
`, `
    - selector:
        matchLabels:
          arch: amd64
          os: linux
      uri: https://github.com/extensionapi/extensionapi-operator/releases/download/v0.1.0/` +
			`kubectl-extensionapi-0.1.0-linux-amd64.tar.gz
      sha256: "` + strings.Repeat("0", 64) + `"
      files:
        - from: kubectl-extensionapi
          to: .
        - from: LICENSE
          to: .
      bin: kubectl-extensionapi
`, `
    - selector:
        matchLabels:
          arch: arm64
          os: windows
      uri: https://github.com/extensionapi/extensionapi-operator/releases/download/v0.1.0/` +
			`kubectl-extensionapi-0.1.0-windows-arm64.zip
      sha256: "` + strings.Repeat("5", 64) + `"
      files:
        - from: kubectl-extensionapi.exe
          to: .
        - from: LICENSE
          to: .
      bin: kubectl-extensionapi.exe
`,
	} {
		if !strings.Contains(string(text), wanted) {
			t.Errorf("the manifest lacks\n%s\nIt is\n%s", wanted, text)
		}
	}
}

// krew's documentation requires a checksum for each, and a description of a few words.
func TestTheKrewManifestIsComplete(t *testing.T) {
	text, err := krewManifest("v0.1.0", platforms(pluginSystems), nil)
	if err != nil {
		t.Fatal(err)
	}
	var manifest krewPlugin
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&manifest); err != nil {
		t.Fatal(err)
	}
	platforms := map[string]bool{}
	for _, p := range manifest.Spec.Platforms {
		platforms[p.Selector.MatchLabels["os"]+"/"+p.Selector.MatchLabels["arch"]] = true
	}
	for _, wanted := range []string{
		"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64",
	} {
		if !platforms[wanted] {
			t.Errorf("the manifest lacks %s", wanted)
		}
	}
	if short := manifest.Spec.ShortDescription; len(short) > 50 || manifest.Spec.Description == "" {
		t.Errorf("the descriptions are %q and %q", short, manifest.Spec.Description)
	}
}
