// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestReleasesMatchTheModulesOldestFirst(t *testing.T) {
	releases, err := allReleases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var minors []string
	for _, r := range releases {
		minors = append(minors, r.minor())
		if r.module != current && r.module != "kubernetes-"+r.minor() {
			t.Errorf("directory %s has Kubernetes %s", r.module, r.version)
		}
	}
	if len(releases) < 2 || !slices.IsSorted(minors) || len(slices.Compact(minors)) != len(releases) {
		t.Errorf("got %v", minors)
	}
}

func TestFindReleaseByMinorVersion(t *testing.T) {
	cluster, err := findRelease(t.Context(), "")
	if err != nil || cluster.module != current {
		t.Errorf("without a version it found %+v, %v; want the current release", cluster, err)
	}
	if same, err := findRelease(t.Context(), cluster.minor()); err != nil || same != cluster {
		t.Errorf("by its version it found %+v, %v; want %+v", same, err, cluster)
	}
	if _, err := findRelease(t.Context(), "1.2"); err == nil || !strings.Contains(err.Error(), cluster.minor()) {
		t.Errorf("for an unknown version got error %v; want one that lists the available versions", err)
	}
}

func TestOlderReleasesHaveOnlyKubeAPIServer(t *testing.T) {
	older := release{version: "v1.34.10", module: "kubernetes-1.34"}
	if _, err := choose(older.programs(), []string{"kubectl"}); err == nil ||
		!strings.HasSuffix(err.Error(), "available are kube-apiserver") {
		t.Errorf("for kubectl got error %v", err)
	}
	flags := strings.Join(older.buildFlags(), " ")
	for _, wanted := range []string{"gitVersion=v1.34.10", "gitMajor=1 ", "gitMinor=34"} {
		if !strings.Contains(flags, wanted) {
			t.Errorf("flags %s lack %s", flags, wanted)
		}
	}
}

func TestReleasesHaveSeparateProgramDirectories(t *testing.T) {
	releases, err := allReleases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	versionOf := map[string]string{}
	for _, r := range releases {
		dir, err := r.binaryDir(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if other, taken := versionOf[dir]; taken {
			t.Errorf("%s and %s share %s", other, r.version, dir)
		}
		versionOf[dir] = r.version
	}
}
