// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
)

// read returns an ExtensionAPI.
func read(ctx context.Context, cluster *connect.Cluster, name string) (*v1alpha1.ExtensionAPI, error) {
	extensionAPI := &v1alpha1.ExtensionAPI{}
	err := cluster.Client.Get(ctx, client.ObjectKey{Name: name}, extensionAPI)
	if kinds.IsUnknown(err) {
		return nil, errors.New("the operator is not installed in this cluster: there is no kind ExtensionAPI; see " +
			"https://github.com/extensionapi/extensionapi-operator#install-it")
	}
	if err != nil {
		return nil, fmt.Errorf("reading ExtensionAPI %s: %w", name, err)
	}
	return extensionAPI, nil
}

func (o *options) completeExtensionAPI(
	command *cobra.Command, args []string, prefix string,
) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return o.complete(command, args, prefix, extensionAPINames)
}

// printTable writes aligned columns, without spaces at the ends of lines.
func printTable(out io.Writer, rows [][]string) error {
	aligned := &strings.Builder{}
	table := tabwriter.NewWriter(aligned, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(table, strings.Join(row, "\t")) // a Builder returns no error
	}
	_ = table.Flush()
	for line := range strings.Lines(aligned.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}
