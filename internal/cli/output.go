// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"sigs.k8s.io/yaml"
)

// The values of --output.
const (
	outputText = ""
	outputWide = "wide"
	outputName = "name"
	outputJSON = "json"
	outputYAML = "yaml"
)

// outputFlag is the value of --output. It implements pflag.Value.
type outputFlag struct {
	value   string
	allowed []string
}

// add adds the flag with the allowed values.
func (f *outputFlag) add(command *cobra.Command, allowed ...string) {
	f.allowed = allowed
	named := slices.DeleteFunc(slices.Clone(allowed), func(value string) bool { return value == outputText })
	command.Flags().VarP(f, "output", "o", "Output format: "+strings.Join(named, ", ")+"; text for people if not set")
	_ = command.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(named, cobra.ShellCompDirectiveNoFileComp))
}

func (f *outputFlag) String() string { return f.value }

// Set implements pflag.Value.
func (f *outputFlag) Set(value string) error {
	if !slices.Contains(f.allowed, value) {
		return fmt.Errorf("must be one of %s", strings.TrimPrefix(strings.Join(f.allowed, ", "), ", "))
	}
	f.value = value
	return nil
}

// Type implements pflag.Value.
func (f *outputFlag) Type() string { return "format" }

// write writes a document as JSON or YAML, or else the text.
func (f *outputFlag) write(out io.Writer, document any, text func() error) error {
	switch f.value {
	case outputJSON:
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(document)
	case outputYAML:
		content, err := yaml.Marshal(document)
		if err != nil {
			return err
		}
		_, err = out.Write(content)
		return err
	default:
		return text()
	}
}

// isTerminal reports whether people read the output, in colours (https://no-color.org).
func isTerminal(out io.Writer) bool {
	file, isFile := out.(*os.File)
	return isFile && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}
