// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// completionProgram is what kubectl runs for the completion of a plugin's arguments (k8s.io/kubectl pkg/cmd/plugin).
const completionProgram = "kubectl_complete-extensionapi"

const completionScript = `#!/bin/sh
# Written by kubectl extensionapi install-completion: kubectl runs this to complete its arguments.
exec kubectl extensionapi __complete "$@"
`

const installCompletionHelp = `Writes the program kubectl_complete-extensionapi, which kubectl runs to
complete the arguments of this plugin where kubectl's own completion is set up. The directory must
be on the PATH. krew cannot install it.`

func installCompletionCommand(o *options) *cobra.Command {
	var directory string
	command := &cobra.Command{
		Use:     "install-completion",
		Short:   "Make kubectl complete the arguments of this plugin",
		Long:    installCompletionHelp,
		Example: "  kubectl extensionapi install-completion\n  kubectl extensionapi install-completion --dir ~/.local/bin",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := installCompletion(directory)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(o.Out, "Wrote %s\n", path)
			return err
		},
	}
	command.Flags().StringVar(&directory, "dir", "", "Directory to write to; that of this program if not set")
	return command
}

// installCompletion writes the program, and replaces no file that is not its own.
func installCompletion(directory string) (path string, err error) {
	if directory == "" {
		program, err := os.Executable()
		if err != nil {
			return "", err
		}
		directory = filepath.Dir(program)
	}
	path = filepath.Join(directory, completionProgram)
	switch existing, err := os.ReadFile(path); { //nolint:gosec // the user names the directory
	case err == nil && string(existing) != completionScript:
		return "", fmt.Errorf("%s exists, and is another program", path)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	return path, os.WriteFile(path, []byte(completionScript), 0o755) //nolint:gosec // it is a program
}
