// SPDX-License-Identifier: Apache-2.0

// Command chartvalues writes the table of a chart's values, with the comments from its values.yaml, between two markers
// in its README: chartvalues CHART-DIRECTORY OUTPUT.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	begin = "<!-- values: written by make generate from the comments in values.yaml -->\n"
	end   = "<!-- end of values -->\n"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: chartvalues CHART-DIRECTORY OUTPUT")
		os.Exit(2)
	}
	if err := write(os.DirFS(os.Args[1]), os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "chartvalues:", err)
		os.Exit(1)
	}
}

func write(chart fs.FS, output string) error {
	values, valuesErr := fs.ReadFile(chart, "values.yaml")
	readme, readmeErr := fs.ReadFile(chart, "README.md")
	if err := errors.Join(valuesErr, readmeErr); err != nil {
		return err
	}
	table, err := tableOf(values)
	if err != nil {
		return err
	}
	result, err := insert(string(readme), table)
	if err != nil {
		return err
	}
	return os.WriteFile(output, []byte(result), 0o644) //nolint:gosec // a README is public, and make sets the file name
}

// insert replaces the text between the markers.
func insert(readme, table string) (string, error) {
	before, rest, begins := strings.Cut(readme, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", fmt.Errorf("README.md lacks the lines that enclose the table:\n%s%s", begin, end)
	}
	return before + begin + "\n" + table + "\n" + end + after, nil
}

func tableOf(values []byte) (string, error) {
	document := &yaml.Node{}
	if err := yaml.Unmarshal(values, document); err != nil {
		return "", err
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return "", errors.New("values.yaml is not a mapping")
	}
	rows, err := rowsOf("", document.Content[0])
	return "| value | default | meaning |\n|---|---|---|\n" + strings.Join(rows, ""), err
}

// rowsOf returns a row for each value that has a comment. A mapping without one is a section, whose values are visited.
func rowsOf(path string, mapping *yaml.Node) ([]string, error) {
	var rows []string
	var errs []error
	for pair := range slices.Chunk(mapping.Content, 2) {
		added, err := rowsOfValue(path+pair[0].Value, pair[0].HeadComment, pair[1])
		rows, errs = append(rows, added...), append(errs, err)
	}
	return rows, errors.Join(errs...)
}

func rowsOfValue(path, comment string, value *yaml.Node) ([]string, error) {
	if comment != "" {
		shown, err := defaultOf(value)
		return []string{fmt.Sprintf("| `%s` | `%s` | %s |\n", path, shown, meaningOf(comment))}, err
	}
	if value.Kind == yaml.MappingNode && len(value.Content) > 0 {
		return rowsOf(path+".", value)
	}
	return nil, fmt.Errorf("values.yaml:%d: %s has no comment above it that describes it", value.Line, path)
}

// defaultOf formats a value in one line, strings unquoted.
func defaultOf(value *yaml.Node) (string, error) {
	if value.Kind == yaml.ScalarNode && value.Value != "" {
		return escape(value.Value), nil
	}
	var decoded any
	if err := value.Decode(&decoded); err != nil {
		return "", err
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(decoded)
	return escape(strings.TrimSpace(encoded.String())), err
}

func meaningOf(comment string) string {
	var words []string
	for line := range strings.Lines(comment) {
		words = append(words, strings.TrimSpace(strings.TrimPrefix(line, "#")))
	}
	return escape(strings.Join(words, " "))
}

// escape prevents text from ending a table cell.
func escape(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
