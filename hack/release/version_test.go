// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestVersionIsSemanticWithPrefixV(t *testing.T) {
	for version, wantError := range map[string]string{
		"v0.1.0":             "",
		"v1.20.3-rc.1":       "",
		"":                   "make release VERSION=v0.1.0",
		"0.1.0":              "write it as its tag, VERSION=v0.1.0",
		" v0.1.0":            "write it as its tag, VERSION=v0.1.0",
		"v0.1.0+build.5":     "remove +build.5",
		"v0.1":               "not a semantic version",
		"v01.1.0":            "not a semantic version",
		"v0.1.0-rc_1":        "not a semantic version",
		"latest":             "not a semantic version",
		"v0.1.0; rm -rf /":   "not a semantic version",
		"1a1c16a-dirty":      "not a semantic version",
		"v0.1.0-../../etc/x": "not a semantic version",
	} {
		err := checkVersion(version)
		switch {
		case wantError == "" && err != nil:
			t.Errorf("%q is rejected: %v", version, err)
		case wantError != "" && (err == nil || !strings.Contains(err.Error(), wantError)):
			t.Errorf("%q: got error %v, want one with %q", version, err, wantError)
		}
	}
}

func TestReleasesAreMadeFromTheirTag(t *testing.T) {
	const here, elsewhere = "1a1c16a", "59b6c0f"
	for name, test := range map[string]struct{ tagged, note, wantError string }{
		"the tag is here":      {tagged: here},
		"there is no tag":      {note: "git tag v0.1.0 1a1c16a"},
		"the tag is elsewhere": {tagged: elsewhere, wantError: "v0.1.0 is on commit 59b6c0f, and 1a1c16a is checked out"},
	} {
		note, err := checkTag("v0.1.0", test.tagged, here)
		if !strings.Contains(note, test.note) || (note == "") != (test.note == "") {
			t.Errorf("%s: got note %q", name, note)
		}
		if (err == nil) != (test.wantError == "") || err != nil && !strings.Contains(err.Error(), test.wantError) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}
