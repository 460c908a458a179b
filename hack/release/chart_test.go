// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestArtifactHubShowsTheImageOfTheRelease(t *testing.T) {
	chart := read(t, filepath.Join(root, chartDir, "Chart.yaml"))
	released, err := withImageOf("v1.2.3-rc.1", chart)
	if err != nil {
		t.Fatal(err)
	}
	const tag = "image: " + repository + ":"
	before, after, _ := strings.Cut(string(chart), tag)
	_, after, _ = strings.Cut(after, "\n")
	if want := before + tag + "v1.2.3-rc.1\n" + after; string(released) != want {
		t.Errorf("Chart.yaml of a release is\n%s\nwant\n%s", released, want)
	}
}

func TestAChartWithoutTheImageIsNotReleased(t *testing.T) {
	for _, chart := range []string{"", "image: example.com/other:v1", strings.Repeat("image: "+repository+":v1\n", 2)} {
		if _, err := withImageOf("v1.2.3", []byte(chart)); err == nil {
			t.Errorf("%q passes", chart)
		}
	}
}
