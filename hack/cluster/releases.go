// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// kubernetes is the module that a go.mod in this directory requires at the version to build.
const kubernetes = "k8s.io/kubernetes"

// release is a version of Kubernetes that can be built.
type release struct {
	// version is a version such as v1.36.3, from the go.mod file in directory module.
	version, module string
}

// current is the module of the release that clusters run. For the others only the kube-apiserver is built, for tests:
// each has its own module, named kubernetes- and the minor version, since the libraries differ.
const current = "."

func runVersions(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown argument %q", args[0])
	}
	releases, err := allReleases(ctx)
	for _, r := range releases {
		fmt.Println(r.minor())
	}
	return err
}

// allReleases returns all releases, the oldest first.
func allReleases(ctx context.Context) ([]release, error) {
	files, err := filepath.Glob("kubernetes-*/go.mod")
	if err != nil {
		return nil, err
	}
	var releases []release
	for _, file := range append(files, "go.mod") {
		r, err := readRelease(ctx, filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		releases = append(releases, r)
	}
	// Minor versions have had two digits since 1.10.
	slices.SortFunc(releases, func(a, b release) int { return strings.Compare(a.version, b.version) })
	return releases, nil
}

// findRelease returns the release of that minor version, such as 1.36, or the current one if it is empty.
func findRelease(ctx context.Context, minor string) (release, error) {
	if minor == "" {
		return readRelease(ctx, current)
	}
	releases, err := allReleases(ctx)
	if err != nil {
		return release{}, err
	}
	var known []string
	for _, r := range releases {
		if r.minor() == minor {
			return r, nil
		}
		known = append(known, r.minor())
	}
	return release{}, fmt.Errorf("unknown Kubernetes version %q; available are %s", minor, strings.Join(known, ", "))
}

// readRelease reads go.mod, so that it is the only place for the version.
func readRelease(ctx context.Context, module string) (release, error) {
	edit := exec.CommandContext(ctx, "go", "mod", "edit", "-json")
	edit.Dir = module
	content, err := edit.Output()
	if err != nil {
		return release{}, fmt.Errorf("run this with go run -C hack/cluster: go mod edit in %s: %w", module, err)
	}
	file := struct {
		Require []struct{ Path, Version string }
	}{}
	if err := json.Unmarshal(content, &file); err != nil {
		return release{}, fmt.Errorf("go mod edit in %s: %w", module, err)
	}
	for _, required := range file.Require {
		if required.Path == kubernetes {
			return release{required.Version, module}, nil
		}
	}
	return release{}, fmt.Errorf("go.mod in hack/cluster/%s does not require %s", module, kubernetes)
}

// minor returns the minor version, such as 1.36.
func (r release) minor() string {
	version := strings.TrimPrefix(r.version, "v")
	return version[:max(0, strings.LastIndexByte(version, '.'))]
}
