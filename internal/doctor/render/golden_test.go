// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/extensionapi/extensionapi-operator/docs"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view/viewtest"
	"github.com/extensionapi/extensionapi-operator/internal/runbook"
	"github.com/extensionapi/extensionapi-operator/test/golden"
)

func reportWith(inject func(*view.View, *view.APIService)) check.Report {
	v := viewtest.New()
	inject(v, &v.APIServices.Value()[0])
	return check.Run(v)
}

// TestEachFaultIsFound compares the text for each fault. `go test ./internal/doctor/render -update` writes the files.
func TestEachFaultIsFound(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			report := reportWith(fault.inject)
			if report.Level() != fault.level {
				t.Errorf("the report is %s, want %s", report.Level(), fault.level)
			}
			if got, want := problemsOf(report), strings.Join(fault.checks, " "); got != want {
				t.Errorf("the checks that find something are %q, want %q", got, want)
			}
			var text bytes.Buffer
			if err := Text(&text, report, Style{Runbook: book(t)}); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, name+".txt", text.Bytes())
		})
	}
}

func book(t *testing.T) runbook.Runbook {
	t.Helper()
	known, err := runbook.Read(docs.Files)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func problemsOf(report check.Report) string {
	var found []string
	for _, section := range report.Sections {
		for _, outcome := range section.Outcomes {
			if level := outcome.Level(); level == check.Warning || level == check.Broken {
				found = append(found, outcome.ID)
			}
		}
	}
	return strings.Join(found, " ")
}

func TestTheDocumentOfAFaultHasStableFields(t *testing.T) {
	document, err := json.MarshalIndent(DocumentOf(reportWith(faults["orphan"].inject), book(t)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "orphan.json", append(document, '\n'))
}

func TestTheWideTextListsWhatPassed(t *testing.T) {
	var text bytes.Buffer
	if err := Text(&text, reportWith(faults["healthy"].inject), Style{Wide: true, Runbook: book(t)}); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "healthy-wide.txt", text.Bytes())
}

func TestNamesAreThoseOfTheObjectsWithProblems(t *testing.T) {
	for name, want := range map[string]string{
		"healthy":    "",
		"orphan":     "apiservice.apiregistration.k8s.io/v1.wardle.example.com\n",
		"list-fails": "apiservice.apiregistration.k8s.io/v1.wardle.example.com\nnamespace/shop\n",
		"not-ready":  "extensionapi.aggregation.extensionapi.dev/wardle\n",
	} {
		var names bytes.Buffer
		if err := Names(&names, reportWith(faults[name].inject)); err != nil {
			t.Fatal(err)
		}
		if names.String() != want {
			t.Errorf("%s: got %q, want %q", name, names.String(), want)
		}
	}
}

func TestColoursAreOnlyForTerminals(t *testing.T) {
	for _, colour := range []bool{false, true} {
		var text bytes.Buffer
		if err := Text(&text, reportWith(faults["hostile-text"].inject), Style{Colour: colour}); err != nil {
			t.Fatal(err)
		}
		if hasEscapes := strings.Contains(text.String(), "\x1b["); hasEscapes != colour {
			t.Errorf("with colours %t: %q", colour, text.String())
		}
		if strings.Contains(text.String(), "\x1b[2J") {
			t.Error("the text of a server reaches the terminal as it is")
		}
	}
}
