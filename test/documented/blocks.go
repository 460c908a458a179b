// SPDX-License-Identifier: Apache-2.0

package documented

import (
	"regexp"
	"slices"
	"strings"
)

// lineWidth is the width to which messages are wrapped.
const lineWidth = 110

var block = regexp.MustCompile("(?ms)^<!-- message: (\\S+) -->\n```text\n(.*?)^```$")

// parse returns the messages in a document by their markers.
func parse(document string) map[string]string {
	messages := map[string]string{}
	for _, found := range block.FindAllStringSubmatch(document, -1) {
		messages[found[1]] = found[2]
	}
	return messages
}

// replace returns the document with the message below that marker replaced.
func replace(document, marker, message string) string {
	return block.ReplaceAllStringFunc(document, func(found string) string {
		if block.FindStringSubmatch(found)[1] != marker {
			return found
		}
		return "<!-- message: " + marker + " -->\n```text\n" + fill(message) + "```"
	})
}

// missing returns the ids of a suite that no test has produced.
func missing(messages map[string]string, suite string, met map[string]bool) []string {
	var ids []string
	for marker := range messages {
		if id, ofSuite := strings.CutPrefix(marker, suite+"/"); ofSuite && !met[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// fill wraps the message.
func fill(message string) string {
	var text strings.Builder
	column := 0
	for word := range strings.FieldsSeq(message) {
		switch {
		case column == 0:
		case column+1+len(word) > lineWidth:
			text.WriteByte('\n')
			column = 0
		default:
			text.WriteByte(' ')
			column++
		}
		text.WriteString(word)
		column += len(word)
	}
	return text.String() + "\n"
}

// changing matches what differs in each run: timestamps, Pod names, addresses, and durations.
var changing = []*regexp.Regexp{
	regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z`),
	regexp.MustCompile(`\b[a-z0-9-]+-[a-z0-9]{7,10}-[a-z0-9]{5}\b`),
	regexp.MustCompile(`(\d+\.\d+\.\d+\.\d+|\blocalhost)(:\d+)?`),
	regexp.MustCompile(`\b(\d+(\.\d+)?(h|m|s|ms|µs))+\b`),
}

// Same reports whether two messages are equal apart from line breaks and what differs in each run.
func Same(a, b string) bool { return essence(a) == essence(b) }

func essence(message string) string { return strings.Join(strings.Fields(Normalized(message)), " ") }

// Normalized returns a text without what differs in each run.
func Normalized(text string) string {
	for _, pattern := range changing {
		text = pattern.ReplaceAllString(text, "…")
	}
	return text
}
