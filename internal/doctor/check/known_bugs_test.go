// SPDX-License-Identifier: Apache-2.0

package check

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/extensionapi/extensionapi-operator/docs"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view/viewtest"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

func TestABugIsReportedOfTheVersionsThatHaveIt(t *testing.T) {
	for running, want := range map[string]string{
		"v1.26.15":             "135883",
		"v1.27.0":              "119662! 115303! 135883",
		"v1.27.6":              "115303! 135883",
		"v1.28.1-eks-2d98532":  "119662! 120758! 120739! 115303! 135883",
		"v1.28.2+k3s1":         "120758! 120739! 115303! 135883",
		"v1.28.3":              "115303! 135883",
		"v1.29.14":             "115303! 135883",
		"v1.30.0":              "135883",
		"v1.35.2-gke.1099000":  "135883 140890",
		"v1.36.0-rc.1":         "140890",
		"v1.37.2":              "140890",
		"no version":           "?",
		"v1.28.0-alpha.1.2+dc": "119662! 120758! 120739! 115303! 135883",
	} {
		v := viewtest.New()
		v.Version = snapshot.Of(running, nil)
		var got []string
		for _, result := range bugs(v) {
			_, issue, _ := strings.Cut(result.Evidence, upstream)
			issue = strings.TrimSuffix(issue, ")")
			switch result.Level() {
			case Warning:
				issue += "!"
			case NotChecked:
				issue = "?"
			}
			got = append(got, issue)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", running, got, want)
		}
	}
}

func TestNoBugIsReportedWithoutAnAPIService(t *testing.T) {
	v := viewtest.New()
	v.Version = snapshot.Of("v1.28.1", nil)
	v.APIServices = snapshot.Of([]view.APIService{}, nil)
	if results := bugs(v); len(results) != 1 || results[0].Level() != OK {
		t.Errorf("got %+v", results)
	}
}

func TestEveryKnownBugIsDocumented(t *testing.T) {
	page, err := docs.Files.ReadFile("kubectl-plugin.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(page, []byte("\n"))
	for _, bug := range knownBugs {
		for _, affected := range bug.in {
			fixed := []byte(strings.TrimSuffix(affected.fixed, ".0"))
			documented := slices.ContainsFunc(lines, func(line []byte) bool {
				return bytes.Contains(line, []byte(bug.issue)) && bytes.Contains(line, fixed)
			})
			if !documented {
				t.Errorf("docs/kubectl-plugin.md does not list %s of %s", path.Base(bug.issue), affected.since)
			}
		}
	}
}
