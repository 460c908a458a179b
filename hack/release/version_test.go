// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestVersionIsASemanticOneWithAV(t *testing.T) {
	for version, complaint := range map[string]string{
		"v0.1.0":             "",
		"v1.20.3-rc.1":       "",
		"":                   "make release VERSION=v0.1.0",
		"0.1.0":              "write it as its tag, VERSION=v0.1.0",
		" v0.1.0":            "write it as its tag, VERSION=v0.1.0",
		"v0.1.0+build.5":     "leave +build.5 out",
		"v0.1":               "no semantic version",
		"v01.1.0":            "no semantic version",
		"v0.1.0-rc_1":        "no semantic version",
		"latest":             "no semantic version",
		"v0.1.0; rm -rf /":   "no semantic version",
		"1a1c16a-dirty":      "no semantic version",
		"v0.1.0-../../etc/x": "no semantic version",
	} {
		err := checkVersion(version)
		switch {
		case complaint == "" && err != nil:
			t.Errorf("%q is refused: %v", version, err)
		case complaint != "" && (err == nil || !strings.Contains(err.Error(), complaint)):
			t.Errorf("%q: got error %v, want one that says %q", version, err, complaint)
		}
	}
}

func TestVersionIsReleasedFromItsTag(t *testing.T) {
	const here, elsewhere = "1a1c16a", "59b6c0f"
	for name, test := range map[string]struct{ tagged, note, complaint string }{
		"the tag is here":      {tagged: here},
		"there is no tag":      {note: "git tag v0.1.0 1a1c16a"},
		"the tag is elsewhere": {tagged: elsewhere, complaint: "v0.1.0 is on commit 59b6c0f, and 1a1c16a is checked out"},
	} {
		note, err := checkTag("v0.1.0", test.tagged, here)
		if !strings.Contains(note, test.note) || (note == "") != (test.note == "") {
			t.Errorf("%s: got note %q", name, note)
		}
		if (err == nil) != (test.complaint == "") || err != nil && !strings.Contains(err.Error(), test.complaint) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}
