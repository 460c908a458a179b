// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/runbook"
)

// Style is how text is written.
type Style struct {
	// Colour is for terminals.
	Colour bool
	// Wide lists what passed, too.
	Wide bool
	// Runbook has the addresses of what is documented.
	Runbook runbook.Runbook
}

var marks = map[check.Level]string{check.OK: "✔", check.Warning: "⚠", check.Broken: "✘", check.NotChecked: "?"}

// colours are those of ECMA-48.
var colours = map[check.Level]string{check.OK: "32", check.Warning: "33", check.Broken: "31", check.NotChecked: "36"}

// Mark returns the sign of a level.
func (s Style) Mark(level check.Level) string {
	if !s.Colour {
		return marks[level]
	}
	return "\x1b[" + colours[level] + "m" + marks[level] + "\x1b[0m"
}

// Text writes a report for people: a line for each check that passed, and one for each problem with who is affected and
// what to do. What was not checked is listed at the end.
func Text(out io.Writer, report check.Report, style Style) error {
	lines := &lines{}
	for _, section := range report.Sections {
		begun := false
		for _, outcome := range section.Outcomes {
			if outcome.Level() == check.NotChecked {
				continue
			}
			if !begun {
				lines.heading(section.Name)
				begun = true
			}
			lines.outcome(outcome, style)
		}
	}
	lines.unchecked(report, style)
	lines.summary(report, style)
	_, err := io.WriteString(out, lines.String())
	return err
}

// lines are the text so far.
type lines struct{ strings.Builder }

func (l *lines) add(format string, args ...any) { _, _ = fmt.Fprintf(l, format+"\n", args...) }

func (l *lines) heading(name string) {
	if l.Len() > 0 {
		l.add("")
	}
	l.add("%s\n%s", name, strings.Repeat("-", utf8.RuneCountInString(name)))
}

func (l *lines) outcome(outcome check.Outcome, style Style) {
	if passed := outcome.Of(check.OK); len(passed) > 0 {
		l.passed(outcome, passed, style)
	}
	for _, level := range []check.Level{check.Warning, check.Broken} {
		for _, result := range outcome.Of(level) {
			l.problem(outcome, result, style)
		}
	}
}

// passed is one line for all objects, or, in the wide style, one for each.
func (l *lines) passed(outcome check.Outcome, passed []check.Result, style Style) {
	switch {
	case passed[0].Object == "" && passed[0].Evidence != "":
		l.add("%s %s", style.Mark(check.OK), printable(passed[0].Evidence))
	case passed[0].Object == "":
		l.add("%s %s", style.Mark(check.OK), outcome.Title)
	default:
		l.add("%s %s (%s)", style.Mark(check.OK), outcome.Title, share(len(passed), len(outcome.Results)))
	}
	if !style.Wide {
		return
	}
	for _, result := range passed {
		if result.Object != "" {
			l.add("    %s", strings.TrimSuffix(printable(result.Subject+": "+result.Evidence), ": "))
		}
	}
}

func share(passed, all int) string {
	if passed == all {
		return fmt.Sprint(all)
	}
	return fmt.Sprintf("%d of %d", passed, all)
}

func (l *lines) problem(outcome check.Outcome, result check.Result, style Style) {
	what := result.Evidence
	if result.Subject != "" {
		what = result.Subject + ": " + what
	}
	l.add("%s %s", style.Mark(result.Level()), printable(what))
	for _, part := range []struct{ name, text string }{
		{"affected", result.BlastRadius},
		{"fix", result.Remedy},
		{"explain", "kubectl extensionapi explain " + cmp.Or(result.Code, outcome.ID)},
		{"see", runbookOf(outcome, result, style.Runbook)},
	} {
		if part.text != "" {
			l.add("    %s: %s", part.name, printable(part.text))
		}
	}
}

// unchecked has one line for each reason.
func (l *lines) unchecked(report check.Report, style Style) {
	checks := map[string][]string{}
	var reasons []string
	for _, section := range report.Sections {
		for _, outcome := range section.Outcomes {
			for reason, count := range unchecked(outcome) {
				if checks[reason] == nil {
					reasons = append(reasons, reason)
				}
				checks[reason] = append(checks[reason], quantified(outcome, count))
			}
		}
	}
	if len(reasons) == 0 {
		return
	}
	slices.Sort(reasons)
	l.heading("not checked")
	for _, reason := range reasons {
		l.add("%s %s: %s", style.Mark(check.NotChecked), strings.Join(checks[reason], ", "), printable(reason))
	}
}

// unchecked returns how many objects were not checked, by the reason.
func unchecked(outcome check.Outcome) map[string]int {
	counts := map[string]int{}
	for _, result := range outcome.Of(check.NotChecked) {
		counts[result.Evidence]++
	}
	return counts
}

func quantified(outcome check.Outcome, count int) string {
	if outcome.Results[0].Object == "" {
		return outcome.ID
	}
	return fmt.Sprintf("%s of %s", outcome.ID, share(count, len(outcome.Results)))
}

func (l *lines) summary(report check.Report, style Style) {
	counts := DocumentOf(report, nil).Counts
	l.add("\n%s %s: %d broken, %d warnings, %d ok, %d not checked", style.Mark(report.Level()), words[report.Level()],
		counts.Broken, counts.Warning, counts.OK, counts.NotChecked)
}

var words = map[check.Level]string{
	check.OK: "healthy", check.Warning: "warnings", check.Broken: "broken", check.NotChecked: "not checked",
}

// Names writes the objects with problems, one a line, as kubectl get -o name does.
func Names(out io.Writer, report check.Report) error {
	lines := &lines{}
	written := map[string]bool{}
	for _, section := range report.Sections {
		for _, outcome := range section.Outcomes {
			for _, result := range slices.Concat(outcome.Of(check.Broken), outcome.Of(check.Warning)) {
				if result.Object != "" && !written[result.Object] {
					written[result.Object] = true
					lines.add("%s", printable(result.Object))
				}
			}
		}
	}
	_, err := io.WriteString(out, lines.String())
	return err
}
