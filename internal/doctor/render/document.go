// SPDX-License-Identifier: Apache-2.0

// Package render writes a report for people and for programs. Text of others is made printable in it.
package render

import (
	"cmp"
	"strings"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/runbook"
)

// Document is a report in JSON and YAML. Its fields are stable: new ones may come, none is renamed.
type Document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Server is the address of kube-apiserver in the kubeconfig.
	Server string `json:"server"`
	// Level is the worst of all: ok, warning, broken, or notChecked where nothing could be checked.
	Level    check.Level `json:"level"`
	Counts   Counts      `json:"counts"`
	Sections []Section   `json:"sections"`
}

// Counts are the numbers of results.
type Counts struct {
	OK         int `json:"ok"`
	Warning    int `json:"warning"`
	Broken     int `json:"broken"`
	NotChecked int `json:"notChecked"`
}

// Section is a group of checks.
type Section struct {
	Name   string  `json:"name"`
	Checks []Check `json:"checks"`
}

// Check is what one check found.
type Check struct {
	// ID is the row of the check in the docs, which DocsURL leads to.
	ID      string      `json:"id"`
	Title   string      `json:"title"`
	Level   check.Level `json:"level"`
	DocsURL string      `json:"docsURL"`
	Results []Result    `json:"results"`
}

// Result is what a check found of one object, or of the cluster.
type Result struct {
	Level check.Level `json:"level"`
	// Object is the object as kubectl names it, empty for the cluster.
	Object string `json:"object,omitempty"`
	// Reason is what kubectl extensionapi explain explains, empty if there is none.
	Reason string `json:"reason,omitempty"`
	// Message is what was found, or why nothing was checked; Affected who or what is affected, and Fix what to do.
	Message  string `json:"message,omitempty"`
	Affected string `json:"affected,omitempty"`
	Fix      string `json:"fix,omitempty"`
	// DocsURL is the runbook of a problem.
	DocsURL string `json:"docsURL,omitempty"`
}

const (
	apiVersion = "doctor.extensionapi.dev/v1alpha1"
	kind       = "Report"
	// maxText is how many bytes of a sentence are shown.
	maxText = 4096
)

// DocumentOf returns the document of a report.
func DocumentOf(report check.Report, book runbook.Runbook) Document {
	document := Document{
		APIVersion: apiVersion, Kind: kind, Server: printable(report.Host), Level: report.Level(), Sections: []Section{},
	}
	for _, section := range report.Sections {
		written := []Check{}
		for _, outcome := range section.Outcomes {
			document.Counts.add(outcome)
			written = append(written, checkOf(outcome, book))
		}
		document.Sections = append(document.Sections, Section{section.Name, written})
	}
	return document
}

func checkOf(outcome check.Outcome, book runbook.Runbook) Check {
	written := Check{
		ID: outcome.ID, Title: outcome.Title, Level: outcome.Level(), DocsURL: book.URL(outcome.ID, checks),
	}
	for _, result := range outcome.Results {
		written.Results = append(written.Results, Result{
			Level: result.Level(), Object: printable(result.Object), Reason: printable(result.Code),
			Message: printable(result.Evidence), Affected: printable(result.BlastRadius), Fix: printable(result.Remedy),
			DocsURL: runbookOf(outcome, result, book),
		})
	}
	return written
}

// checks is the heading of the table of checks.
const checks = "Checks"

// runbookOf is where the reason of a problem is documented, or else its check.
func runbookOf(outcome check.Outcome, result check.Result, book runbook.Runbook) string {
	if level := result.Level(); level != check.Warning && level != check.Broken {
		return ""
	}
	condition, _, _ := strings.Cut(result.Evidence, ":")
	return cmp.Or(book.URL(result.Code, condition), book.URL(outcome.ID, checks))
}

func (c *Counts) add(outcome check.Outcome) {
	c.OK += len(outcome.Of(check.OK))
	c.Warning += len(outcome.Of(check.Warning))
	c.Broken += len(outcome.Of(check.Broken))
	c.NotChecked += len(outcome.Of(check.NotChecked))
}

func printable(text string) string { return excerpt.Of(text, maxText) }
