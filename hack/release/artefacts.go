// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

const (
	name       = "extensionapi-operator"
	repository = "ghcr.io/extensionapi/" + name
	source     = "https://github.com/extensionapi/" + name
	chartDir   = "charts/" + name
	crd        = chartDir + "/files/aggregation.extensionapi.dev_extensionapis.yaml"
	namespace  = "config/default/namespace.yaml"
	programs   = "bin/release"
)

var architectures = []string{"amd64", "arm64"}

func list(words []string) string { return strings.Join(words, " and ") }

// program returns the path of the operator for an architecture, which is part of the image.
func program(architecture string) string { return filepath.Join(programs, architecture, name) }

// file returns the path of a file of the release.
func (r release) file(suffix string) string {
	return filepath.Join(r.output, name+"-"+number(r.version)+suffix)
}

func (r release) build(ctx context.Context) error {
	for _, architecture := range architectures {
		build := exec.CommandContext(ctx, "hack/build.sh", program(architecture)) //nolint:gosec // a constant and a list
		build.Env = append(os.Environ(), "GOARCH="+architecture, "VERSION="+r.version, "COMMIT="+r.commit.hash)
		if _, err := run(build); err != nil {
			return err
		}
	}
	return nil
}

func (r release) image(ctx context.Context) error {
	args := []string{
		"run", "-C", "hack/cluster", ".", "image",
		"--compress", "--ref", repository + ":" + r.version, "--output", r.file("-image.tar"),
	}
	for _, annotation := range annotations(r.version, r.commit) {
		args = append(args, "--annotation", annotation)
	}
	for _, architecture := range architectures {
		path, err := filepath.Abs(program(architecture))
		if err != nil {
			return err
		}
		args = append(args, path)
	}
	_, err := output(ctx, "go", args...)
	return err
}

// annotations returns the annotations of the OCI image specification.
func annotations(version string, of commit) []string {
	var annotations []string
	for key, value := range map[string]string{
		"title":    name,
		"version":  version,
		"revision": of.hash,
		"created":  of.time.Format(time.RFC3339),
		"source":   source,
		"licenses": "Apache-2.0",
	} {
		annotations = append(annotations, "org.opencontainers.image."+key+"="+value)
	}
	return slices.Sorted(slices.Values(annotations))
}

// sboms writes an SBOM for each program from the build information in it, so that only what it contains is listed.
func (r release) sboms(ctx context.Context) error {
	for _, architecture := range architectures {
		sbom, err := output(ctx, filepath.Join(r.tools, "cyclonedx-gomod"), "bin", "-json", "-std",
			"-noserial", "-notimestamp", "-version", r.version, program(architecture))
		if err != nil {
			return err
		}
		reproducible, err := withoutToolHashes([]byte(sbom))
		if err != nil {
			return err
		}
		if err := os.WriteFile(r.file("-linux-"+architecture+".cdx.json"), reproducible, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// withoutToolHashes removes the checksums of cyclonedx-gomod itself: they depend on where it was built.
func withoutToolHashes(sbom []byte) ([]byte, error) {
	patch, err := jsonpatch.DecodePatch([]byte(`[{"op": "remove", "path": "/metadata/tools/0/hashes"}]`))
	if err != nil {
		return nil, err
	}
	return patch.ApplyIndent(sbom, "  ")
}

// manifests writes the CustomResourceDefinition, and what the packaged chart installs, without its hooks.
func (r release) manifests(ctx context.Context) error {
	helm := exec.CommandContext(ctx, filepath.Join(r.tools, "helm"), "template", name, //nolint:gosec // the pinned tool
		r.file(".tgz"), "--namespace", "extensionapi-system", "--no-hooks")
	rendered, err := run(helm)
	if err != nil {
		return err
	}
	first, err := os.ReadFile(namespace)
	if err != nil {
		return err
	}
	definition, err := os.ReadFile(crd)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(r.file("-crd.yaml"), definition, 0o600),                         //nolint:gosec // a checked version
		os.WriteFile(r.file("-install.yaml"), slices.Concat(first, rendered), 0o600)) //nolint:gosec // a checked version
}
