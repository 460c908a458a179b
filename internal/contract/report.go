// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
)

// maxDetail is how many bytes of a detail are written.
const maxDetail = 2048

func printable(text string) string { return excerpt.Of(text, maxDetail) }

// TAP writes the suites in the Test Anything Protocol, version 14 (https://testanything.org).
func TAP(out io.Writer, suites []Suite) error {
	text, number := &strings.Builder{}, 0
	for _, suite := range suites {
		for _, c := range suite.Cases {
			number++
			result := map[Status]string{Passed: "ok", Failed: "not ok", Skipped: "ok"}[c.Status]
			fmt.Fprintf(text, "%s %d - %s %s", result, number, printable(suite.Name), escapedTAP(c.Name))
			if c.Status == Skipped {
				fmt.Fprintf(text, " # SKIP %s", escapedTAP(c.Detail))
			}
			text.WriteString("\n")
			if c.Status != Skipped && c.Detail != "" {
				fmt.Fprintf(text, "# %s\n", printable(c.Detail))
			}
		}
	}
	_, err := fmt.Fprintf(out, "TAP version 14\n1..%d\n%s", number, text)
	return err
}

// escapedTAP escapes what begins a directive.
func escapedTAP(text string) string { return strings.ReplaceAll(printable(text), "#", `\#`) }

// The elements of JUnit's reports.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Time    string   `xml:"time,attr"`
		Failure *message `xml:"failure"`
		Skipped *message `xml:"skipped"`
		Output  string   `xml:"system-out,omitempty"`
	}
	message struct {
		Text string `xml:"message,attr"`
	}
)

// JUnit writes the suites in the format of JUnit.
func JUnit(out io.Writer, suites []Suite) error {
	report := junitSuites{}
	for _, suite := range suites {
		report.Suites = append(report.Suites, junitOf(suite))
	}
	content, err := xml.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s%s\n", xml.Header, content)
	return err
}

func junitOf(suite Suite) junitSuite {
	written := junitSuite{Name: printable(suite.Name), Tests: len(suite.Cases)}
	for _, c := range suite.Cases {
		shown := junitCase{
			Class: written.Name, Name: printable(c.Name), Time: fmt.Sprintf("%.3f", c.Took.Seconds()),
		}
		switch c.Status {
		case Failed:
			written.Failures++
			shown.Failure = &message{printable(c.Detail)}
		case Skipped:
			written.Skipped++
			shown.Skipped = &message{printable(c.Detail)}
		default:
			shown.Output = printable(c.Detail)
		}
		written.Cases = append(written.Cases, shown)
	}
	return written
}
