// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// pageTimeout is far above what any page takes, builds included.
const pageTimeout = time.Hour

// mark separates the outputs of commands; no program prints it.
const mark = "=== end of command "

// run runs the commands of a page in one shell, as a reader does, until one fails or prints something else than shown.
func run(ctx context.Context, read page, log io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	var commands []command
	for _, block := range read.blocks {
		commands = append(commands, block.commands...)
	}
	var output bytes.Buffer
	shell := exec.CommandContext(ctx, "bash", "-c", script(commands)) //nolint:gosec // the commands of a page
	shell.Stdout = io.MultiWriter(&output, log)
	shell.Stderr = shell.Stdout
	shell.Env = os.Environ()
	shell.WaitDelay = time.Minute // a command in the background may keep the output open
	failed := shell.Run()
	return errors.Join(compare(commands, output.String()), failed)
}

// script runs commands, and prints a mark after each. It ends with the first that fails.
func script(commands []command) string {
	var text strings.Builder
	text.WriteString("set -euo pipefail\n")
	for i, command := range commands {
		fmt.Fprintf(&text, "%s\nprintf '%s%d\\n'\n", command.text, mark, i)
	}
	return text.String()
}

// compare returns an error for the command that failed, and for each that printed something else than shown.
func compare(commands []command, output string) error {
	var errs []error
	for i, command := range commands {
		printed, rest, completed := strings.Cut(output, fmt.Sprintf("%s%d\n", mark, i))
		if !completed {
			return errors.Join(append(errs, fmt.Errorf("line %d: failed: %s\n%s", command.line, command.text, printed))...)
		}
		output = rest
		if command.output != nil && !matches(command.output, strings.Split(printed, "\n")) {
			errs = append(errs, fmt.Errorf("line %d: %s\nis documented to print\n%s\nand printed\n%s",
				command.line, command.text, strings.Join(command.output, "\n"), printed))
		}
	}
	return errors.Join(errs...)
}
