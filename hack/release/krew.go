// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// krewName is what krew calls the plugin; its manifest has the same name.
const krewName = "extensionapi"

// krewPlugin is a plugin manifest of krew, in the order that its documentation has.
type krewPlugin struct {
	APIVersion string       `yaml:"apiVersion"`
	Kind       string       `yaml:"kind"`
	Metadata   krewMetadata `yaml:"metadata"`
	Spec       krewSpec     `yaml:"spec"`
}

type krewMetadata struct {
	Name string `yaml:"name"`
}

type krewSpec struct {
	Version          string         `yaml:"version"`
	Homepage         string         `yaml:"homepage"`
	ShortDescription string         `yaml:"shortDescription"`
	Description      string         `yaml:"description"`
	Platforms        []krewPlatform `yaml:"platforms"`
}

type krewPlatform struct {
	Selector krewSelector `yaml:"selector"`
	URI      string       `yaml:"uri"`
	SHA256   string       `yaml:"sha256"`
	Files    []krewFile   `yaml:"files"`
	Bin      string       `yaml:"bin"`
}

type krewSelector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

type krewFile struct {
	From string `yaml:"from"`
	To   string `yaml:"to"`
}

const krewDescription = `Shows what is wrong with the aggregated APIs (APIServices) of a cluster, who is
affected, and the command that fixes it: certificates, endpoints, latency,
discovery, stuck namespaces, the configuration of the aggregation layer.
Diagnosis is read-only and needs no operator in the cluster. On clusters with
extensionapi-operator, the plugin also shows and manages ExtensionAPIs.
`

// krewManifest returns the manifest for the archives of platforms, with these checksums.
func krewManifest(version string, platforms []platform, checksums map[platform]string) ([]byte, error) {
	manifest := krewPlugin{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2",
		Kind:       "Plugin",
		Metadata:   krewMetadata{Name: krewName},
		Spec: krewSpec{
			Version:          version,
			Homepage:         source,
			ShortDescription: "Diagnose aggregated APIs and APIServices",
			Description:      krewDescription,
		},
	}
	for _, platform := range platforms {
		manifest.Spec.Platforms = append(manifest.Spec.Platforms, krewPlatform{
			Selector: krewSelector{MatchLabels: map[string]string{"os": platform.os, "arch": platform.architecture}},
			URI:      source + "/releases/download/" + version + "/" + platform.archive(version),
			SHA256:   checksums[platform],
			Files:    []krewFile{{platform.program(), "."}, {license, "."}},
			Bin:      platform.program(),
		})
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err := encoder.Encode(manifest)
	return text.Bytes(), err
}
