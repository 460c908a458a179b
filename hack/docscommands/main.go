// SPDX-License-Identifier: Apache-2.0

// Docscommands runs the commands of Markdown pages, and compares what they print with what the pages show:
//
//	docscommands run PAGE...   runs each page in a shell of its own, in the working directory
//	docscommands list PAGE...  prints what would be run, and what not, and why
//
// hack/docs-commands.sh prepares the cluster. docs/contributing/documentation.md describes the annotations.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

func main() {
	if len(os.Args) < 3 || os.Args[1] != "run" && os.Args[1] != "list" {
		fmt.Fprintln(os.Stderr, "usage: docscommands run|list PAGE...")
		os.Exit(2)
	}
	var errs []error
	for _, path := range os.Args[2:] {
		if err := process(context.Background(), os.Args[1], path); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func process(ctx context.Context, action, path string) error {
	source, err := os.ReadFile(path) //nolint:gosec // the caller names the page
	if err != nil {
		return err
	}
	read, err := parse(string(source))
	if err != nil {
		return err
	}
	fmt.Print(list(path, read))
	if action == "list" || read.skipped != "" {
		return nil
	}
	return run(ctx, read, os.Stdout)
}

// list returns what of a page is run, and what not, and why.
func list(path string, read page) string {
	lines := []string{"=== " + path}
	if read.skipped != "" {
		return lines[0] + "\nnot run: " + read.skipped + "\n"
	}
	for _, block := range read.blocks {
		if block.skipped != "" {
			lines = append(lines, fmt.Sprintf("%d: not run: %s", block.line, block.skipped))
		}
		for _, command := range block.commands {
			lines = append(lines, fmt.Sprintf("%d: %s", command.line, command.text))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
