// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/render"
)

// shownEvents is how many Events fit on a screen beside the rest.
const shownEvents = 5

// statusDocument is what status prints with --output.
type statusDocument struct {
	Name   string                      `json:"name"`
	Status v1alpha1.ExtensionAPIStatus `json:"status"`
	// Events are the last ones, absent if they cannot be read.
	Events []event `json:"events,omitempty"`
}

const statusHelp = `Shows what the operator reports of an ExtensionAPI: conditions and what it waits for,
latencies of its group-versions and replicas, its controllers and storage, certificates and the
progress of their rotation, and the last Events, or all of them with -o wide.`

func statusCommand(o *options) *cobra.Command {
	var output outputFlag
	command := &cobra.Command{
		Use:               "status EXTENSIONAPI",
		Short:             "Show an ExtensionAPI on one screen",
		Long:              statusHelp,
		Example:           "  kubectl extensionapi status wardle\n  kubectl extensionapi status wardle -o yaml",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: o.completeExtensionAPI,
		RunE: func(command *cobra.Command, args []string) error {
			return o.status(command.Context(), args[0], &output)
		},
	}
	output.add(command, outputText, outputWide, outputJSON, outputYAML)
	return command
}

func (o *options) status(ctx context.Context, name string, output *outputFlag) error {
	cluster, err := o.connect()
	if err != nil {
		return err
	}
	extensionAPI, err := read(ctx, cluster, name)
	if err != nil {
		return err
	}
	// Without the permission to read Events the rest is shown.
	events, _ := eventsOf(ctx, cluster, extensionAPI)
	if output.value != outputWide {
		events = events[max(0, len(events)-shownEvents):]
	}
	return output.write(o.Out, statusDocument{name, extensionAPI.Status, events}, func() error {
		screen := &screen{
			now: o.clock.Now(), style: render.Style{Colour: isTerminal(o.Out)},
			limit: discovery.PolicyOf(extensionAPI.Spec.Discovery).Limit,
		}
		return screen.write(o.Out, extensionAPI, events)
	})
}
