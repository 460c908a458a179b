// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/extensionapi/extensionapi-operator/internal/version"
)

// buildInfo is what version prints with --output.
type buildInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand(o *options) *cobra.Command {
	var output outputFlag
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this plugin",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			build := version.Current()
			return output.write(o.Out, buildInfo(build), func() error {
				_, err := fmt.Fprintf(o.Out, "kubectl-extensionapi %s (commit %s, %s, %s)\n",
					build.Version, build.Commit, build.Go, build.Platform)
				return err
			})
		},
	}
	output.add(command, outputText, outputJSON, outputYAML)
	return command
}
