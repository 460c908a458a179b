// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strings"
)

// page is what a Markdown page says about its commands.
type page struct {
	blocks []block
	// skipped is the reason for which nothing of the page is run.
	skipped string
}

// block is a fenced block of commands.
type block struct {
	// line of the fence.
	line int
	// skipped is the reason for which the block is not run.
	skipped  string
	commands []command
}

// command is what a reader enters, and what the page shows that it prints.
type command struct {
	line int
	text string
	// output is nil where the page does not show any.
	output []string
}

var (
	skipsPage  = regexp.MustCompile(`^<!-- page not run: (.+) -->$`)
	skipsBlock = regexp.MustCompile(`^<!-- not run: (.+) -->$`)
	fillsIn    = regexp.MustCompile(`^<!-- run with: (.+) -->$`)
)

// parse returns the blocks of commands of a page, in their order.
func parse(source string) (page, error) {
	var read page
	lines := strings.Split(source, "\n")
	for i := 0; i < len(lines); i++ {
		if found := skipsPage.FindStringSubmatch(lines[i]); found != nil {
			read.skipped = found[1]
		}
		language, isFence := strings.CutPrefix(lines[i], "```")
		if !isFence {
			continue
		}
		body := fenced(lines[i+1:])
		if language == "sh" || language == "console" {
			added, err := blockOf(language, i+1, annotation(lines, i), body)
			if err != nil {
				return page{}, err
			}
			read.blocks = append(read.blocks, added)
		}
		i += len(body) + 1
	}
	return read, nil
}

// fenced returns the lines before the end of a block.
func fenced(lines []string) []string {
	for i, line := range lines {
		if strings.HasPrefix(line, "```") {
			return lines[:i]
		}
	}
	return lines
}

// annotation returns the line above a fence.
func annotation(lines []string, fence int) string {
	if fence == 0 {
		return ""
	}
	return lines[fence-1]
}

func blockOf(language string, line int, annotation string, body []string) (block, error) {
	read := block{line: line}
	if found := skipsBlock.FindStringSubmatch(annotation); found != nil {
		read.skipped = found[1]
		return read, nil
	}
	if found := fillsIn.FindStringSubmatch(annotation); found != nil {
		replaced, err := fillIn(found[1], strings.Join(body, "\n"))
		if err != nil {
			return block{}, fmt.Errorf("line %d: %w", line-1, err)
		}
		body = strings.Split(replaced, "\n")
	}
	if language == "sh" {
		read.commands = []command{{line: line + 1, text: strings.Join(body, "\n")}}
		return read, nil
	}
	read.commands = session(line, body)
	return read, nil
}

// fillIn replaces placeholders: NAME=wardle replaces the word NAME.
func fillIn(values, text string) (string, error) {
	for assignment := range strings.FieldsSeq(values) {
		placeholder, value, isAssignment := strings.Cut(assignment, "=")
		word := regexp.MustCompile(`\b` + regexp.QuoteMeta(placeholder) + `\b`)
		if !isAssignment || !word.MatchString(text) {
			return "", fmt.Errorf("%q replaces nothing in the block", assignment)
		}
		text = word.ReplaceAllLiteralString(text, value)
	}
	return text, nil
}

// session splits a block of console into commands, which begin with "$ ", and their output. A command goes on in the
// next line after a backslash, within quotes, or in a here document.
func session(line int, body []string) []command {
	var commands []command
	for i, text := range body {
		entered, begins := strings.CutPrefix(text, "$ ")
		switch {
		case begins:
			commands = append(commands, command{line: line + 1 + i, text: entered, output: []string{}})
		case len(commands) == 0:
		case goesOn(commands[len(commands)-1].text) && len(commands[len(commands)-1].output) == 0:
			commands[len(commands)-1].text += "\n" + text
		default:
			last := &commands[len(commands)-1]
			last.output = append(last.output, text)
		}
	}
	return commands
}

// goesOn reports whether a shell would wait for another line.
func goesOn(text string) bool {
	return strings.HasSuffix(text, "\\") || strings.Count(text, "'")%2 == 1
}
