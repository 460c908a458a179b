// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/extensionapi/extensionapi-operator/docs"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/runbook"
)

const explainHelp = `Prints what the documentation says of a condition of an ExtensionAPI, of a reason of one,
of an APIService's or of an Event, or of a check of doctor: what it means, who is affected and what
to do. It needs no cluster. Without an argument it lists what can be explained.`

func explainCommand(o *options) *cobra.Command {
	var output outputFlag
	command := &cobra.Command{
		Use:   "explain [REASON | CONDITION | CHECK]",
		Short: "Explain a condition, a reason of one, or a check of doctor",
		Long:  explainHelp,
		Example: "  kubectl extensionapi explain RotationStuck\n  kubectl extensionapi explain " +
			"FailedDiscoveryCheck",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeReasons,
		RunE: func(_ *cobra.Command, args []string) error {
			known, err := runbook.Read(docs.Files)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return output.write(o.Out, known, func() error { return printReasons(o, known) })
			}
			entries := known.Explain(args[0])
			if len(entries) == 0 {
				return notExplained(known, args[0])
			}
			return output.write(o.Out, entries, func() error { return printEntries(o, entries) })
		},
	}
	output.add(command, outputText, outputJSON, outputYAML)
	return command
}

func completeReasons(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	known, err := runbook.Read(docs.Files)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return known.Names(), cobra.ShellCompDirectiveNoFileComp
}

func printReasons(o *options, known runbook.Runbook) error {
	_, err := fmt.Fprintln(o.Out, strings.Join(known.Names(), "\n"))
	return err
}

func notExplained(known runbook.Runbook, reason string) error {
	quoted := excerpt.Of(reason, limits.Text)
	if similar := known.Similar(reason); len(similar) > 0 {
		return fmt.Errorf("there is no reason %q; similar ones are %s", quoted, strings.Join(similar, ", "))
	}
	return fmt.Errorf("there is no reason %q; kubectl extensionapi explain lists them", quoted)
}

func printEntries(o *options, entries []runbook.Entry) error {
	text := &strings.Builder{}
	for i, entry := range entries {
		if i > 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(text, "%s (%s)\n", entry.Reason, entry.Heading)
		for _, part := range []struct{ name, text string }{
			{"means", entry.Meaning}, {"impact", entry.Impact}, {"fix", entry.Fix}, {"see", entry.URL},
		} {
			if part.text != "" {
				fmt.Fprintf(text, "    %-7s %s\n", part.name+":", part.text)
			}
		}
	}
	_, err := o.Out.Write([]byte(text.String()))
	return err
}
