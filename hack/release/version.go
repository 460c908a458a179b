// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

func checkVersion(version string) error {
	if version == "" {
		return errors.New("no version: set it with make release VERSION=v0.1.0")
	}
	parsed, err := utilversion.ParseSemantic(version)
	switch {
	case err != nil:
		return fmt.Errorf("VERSION=%s is not a semantic version such as v0.1.0 or v0.1.0-rc.1", version)
	case parsed.BuildMetadata() != "":
		return fmt.Errorf("VERSION=%s: remove +%s, which is not allowed in the tag of an image",
			version, parsed.BuildMetadata())
	case version != "v"+parsed.String():
		return fmt.Errorf("VERSION=%s: write it as its tag, VERSION=v%s", version, parsed)
	}
	return nil
}

// checkTag decides whether commit may be released as version, given the commit of the tag of that name, which is empty
// if there is none. The note is printed for the release manager.
func checkTag(version, tagged, commit string) (note string, err error) {
	switch tagged {
	case commit:
		return "", nil
	case "":
		return fmt.Sprintf("There is no tag %s yet. To publish this release, tag its commit: git tag %s %s",
			version, version, commit), nil
	}
	return "", fmt.Errorf("the tag %s is on commit %s, and %s is checked out: run 'git checkout %s', "+
		"or choose a new version", version, tagged, commit, version)
}

// number returns the version as in the chart and in file names: without the v.
func number(version string) string { return strings.TrimPrefix(version, "v") }
