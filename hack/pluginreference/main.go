// SPDX-License-Identifier: Apache-2.0

// Command pluginreference writes the reference of the kubectl plugin from its commands: pluginreference OUTPUT.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/extensionapi/extensionapi-operator/internal/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pluginreference OUTPUT")
		os.Exit(2)
	}
	// The default of --cache-dir contains the home directory.
	if err := os.Setenv("HOME", "$HOME"); err != nil {
		fmt.Fprintln(os.Stderr, "pluginreference:", err)
		os.Exit(1)
	}
	reference := referenceOf(cli.Command(genericiooptions.IOStreams{Out: os.Stdout, ErrOut: os.Stderr}))
	//nolint:gosec // the reference is public, and make sets the file name
	if err := os.WriteFile(os.Args[1], reference, 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "pluginreference:", err)
		os.Exit(1)
	}
}

const introduction = `# Reference of the kubectl plugin

Written by ` + "`make generate`" + ` from the commands. [The guide](kubectl-plugin.md) shows what they are for.
`

func referenceOf(root *cobra.Command) []byte {
	out := bytes.NewBufferString(introduction)
	root.InitDefaultCompletionCmd("completion") // with an argument, as it is hidden without a subcommand
	for _, command := range root.Commands() {
		if command.IsAvailableCommand() && command.Name() != "help" {
			write(out, command)
		}
	}
	fmt.Fprintf(out, "\n## Flags of all commands\n\n")
	writeFlags(out, root.PersistentFlags())
	return out.Bytes()
}

// write writes a command, without those below it: the shells of completion are in its usage.
func write(out *bytes.Buffer, command *cobra.Command) {
	fmt.Fprintf(out, "\n## %s\n\n%s.\n\n```\n%s\n```\n", command.Name(), command.Short, command.UseLine())
	if command.Long != "" {
		fmt.Fprintf(out, "\n%s\n", strings.TrimSpace(strings.ReplaceAll(command.Long, "\t", "  ")))
	}
	if command.Example != "" {
		fmt.Fprintf(out, "\n```console\n%s\n```\n", withoutIndent(command.Example))
	}
	if command.HasSubCommands() {
		fmt.Fprintln(out)
	}
	for _, below := range command.Commands() {
		fmt.Fprintf(out, "- `%s`: %s\n", below.CommandPath(), below.Short)
	}
	if command.LocalNonPersistentFlags().HasAvailableFlags() {
		fmt.Fprintln(out)
		writeFlags(out, command.LocalNonPersistentFlags())
	}
}

func withoutIndent(text string) string {
	return strings.TrimPrefix(strings.ReplaceAll(text, "\n  ", "\n"), "  ")
}

func writeFlags(out *bytes.Buffer, flags *pflag.FlagSet) {
	fmt.Fprint(out, "| flag | meaning | default |\n|---|---|---|\n")
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Name == "help" {
			return
		}
		name, usage := pflag.UnquoteUsage(flag)
		written := "`--" + strings.TrimSpace(flag.Name+" "+name) + "`"
		if flag.Shorthand != "" {
			written = "`-" + flag.Shorthand + "`, " + written
		}
		fmt.Fprintf(out, "| %s | %s | %s |\n", written, strings.ReplaceAll(usage, "|", "\\|"), defaultOf(flag))
	})
}

// defaultOf leaves out defaults that mean that nothing is set.
func defaultOf(flag *pflag.Flag) string {
	switch flag.DefValue {
	case "", "false", "[]", "0", "0s":
		return ""
	default:
		return "`" + flag.DefValue + "`"
	}
}
