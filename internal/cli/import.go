// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/migration"
)

// importer is the command import.
type importer struct {
	*options
	migration migration.Options
	adopt     bool
}

const importHelp = `Reads APIServices, the Service, the Deployment and the bindings behind them, and writes
the manifest of an ExtensionAPI that adopts them; all APIServices of the Service belong to it. What
could not be carried over stands as comments. A server that is not a Deployment is registered as it
is (spec.existingService). Nothing is changed in the cluster.`

func importCommand(o *options) *cobra.Command {
	i := &importer{options: o}
	command := &cobra.Command{
		Use:   "import APISERVICE ...",
		Short: "Write the ExtensionAPI manifest for an API that is served today",
		Long:  importHelp,
		Example: "  kubectl extensionapi import v1beta1.metrics.k8s.io > metrics.yaml\n" +
			"  kubectl extensionapi import v1beta1.metrics.k8s.io --adopt | kubectl apply -f -",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: o.completeAPIServices,
		RunE: func(command *cobra.Command, names []string) error {
			return i.run(command.Context(), names)
		},
	}
	command.Flags().StringVar(&i.migration.Name, "name", "", "Name of the ExtensionAPI; derived from the Service "+
		"if not set")
	command.Flags().BoolVar(&i.adopt, "adopt", false, "Set adoptionPolicy to Adopt instead of DryRun")
	command.Flags().BoolVar(&i.migration.Existing, "existing-service", false,
		"Register the server as it is, also where it is a Deployment that the operator could run")
	return command
}

func (i *importer) run(ctx context.Context, names []string) error {
	cluster, err := i.connect()
	if err != nil {
		return err
	}
	running, err := runningBehind(ctx, cluster, names)
	if err != nil {
		return err
	}
	i.migration.Policy = v1alpha1.AdoptionDryRun
	if i.adopt {
		i.migration.Policy = v1alpha1.AdoptionAdopt
	}
	manifest, err := migration.Of(running, i.migration)
	if err != nil {
		return err
	}
	content, err := manifest.YAML()
	if err != nil {
		return err
	}
	if _, err := i.Out.Write(content); err != nil {
		return err
	}
	for _, missing := range manifest.Missing {
		_, _ = fmt.Fprintf(i.ErrOut, "The manifest is not complete: set %s\n", missing)
	}
	return nil
}
