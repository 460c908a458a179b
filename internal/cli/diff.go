// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/migration"
)

// differ is the command diff.
type differ struct {
	*options
	output outputFlag
	file   string
}

const diffHelp = `Compares the APIServices that an ExtensionAPI wants with those of other owners. The
ExtensionAPI is one of the cluster, or one in a file, which need not be applied. What is issued or
assigned later is shown in parentheses.

Exit code: 0 no changes, 1 changes, 3 not run.`

func diffCommand(o *options) *cobra.Command {
	d := &differ{options: o}
	command := &cobra.Command{
		Use:   "diff (EXTENSIONAPI | --filename FILE)",
		Short: "Show what adopting would change in the existing APIServices",
		Long:  diffHelp,
		Example: "  kubectl extensionapi import v1beta1.metrics.k8s.io | kubectl extensionapi diff -f -\n" +
			"  kubectl extensionapi diff metrics",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: o.completeExtensionAPI,
		RunE: func(command *cobra.Command, args []string) error {
			return d.run(command.Context(), args)
		},
	}
	d.output.add(command, outputText, outputJSON, outputYAML)
	command.Flags().StringVarP(&d.file, "filename", "f", "", "File with the manifest of an ExtensionAPI; - for "+
		"standard input")
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitNotRun, err} })
	return command
}

func (d *differ) run(ctx context.Context, args []string) error {
	cluster, err := d.connect()
	if err != nil {
		return &exitError{exitNotRun, err}
	}
	wanted, err := d.wanted(ctx, cluster, args)
	if err != nil {
		return &exitError{exitNotRun, err}
	}
	existing := &apiregistrationv1.APIServiceList{}
	if err := cluster.Client.List(ctx, existing); err != nil {
		return &exitError{exitNotRun, err}
	}
	changes := migration.ChangesOf(wanted, existing.Items)
	if err := d.output.write(d.Out, changes, func() error { return d.print(changes) }); err != nil {
		return &exitError{exitNotRun, err}
	}
	for _, change := range changes {
		if !change.Exists || len(change.Fields) > 0 {
			return &exitError{code: 1}
		}
	}
	return nil
}

// wanted is the ExtensionAPI of the arguments.
func (d *differ) wanted(
	ctx context.Context, cluster *connect.Cluster, args []string,
) (*v1alpha1.ExtensionAPI, error) {
	switch {
	case (len(args) == 1) == (d.file != ""):
		return nil, errors.New("name an ExtensionAPI, or set --filename")
	case len(args) == 1:
		return read(ctx, cluster, args[0])
	case d.file == "-":
		return decode(d.In)
	}
	file, err := os.Open(d.file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return decode(file)
}

// decode returns the only ExtensionAPI among manifests.
func decode(from io.Reader) (*v1alpha1.ExtensionAPI, error) {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(from))
	for {
		content, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file contains no ExtensionAPI")
		}
		if err != nil {
			return nil, err
		}
		extensionAPI := &v1alpha1.ExtensionAPI{}
		if yaml.Unmarshal(content, extensionAPI) == nil && extensionAPI.Kind == "ExtensionAPI" {
			setDefaults(extensionAPI)
			return extensionAPI, hasBackend(extensionAPI)
		}
	}
}

// setDefaults sets what kube-apiserver would, as far as APIServices depend on it (api/v1alpha1).
func setDefaults(extensionAPI *v1alpha1.ExtensionAPI) {
	for i := range extensionAPI.Spec.Groups {
		group := &extensionAPI.Spec.Groups[i]
		group.GroupPriorityMinimum = cmp.Or(group.GroupPriorityMinimum, 1000)
	}
	if service := extensionAPI.Spec.ExistingService; service != nil {
		service.Port = cmp.Or(service.Port, 443)
	}
}

// hasBackend refuses a manifest that kube-apiserver refuses, too.
func hasBackend(extensionAPI *v1alpha1.ExtensionAPI) error {
	if (extensionAPI.Spec.Server == nil) == (extensionAPI.Spec.ExistingService == nil) {
		return errors.New("the ExtensionAPI needs one of spec.server and spec.existingService")
	}
	return nil
}

func (d *differ) print(changes []migration.Changes) error {
	text := &strings.Builder{}
	for _, change := range changes {
		switch {
		case !change.Exists:
			fmt.Fprintf(text, "%s: is created\n", printable(change.Name))
		case len(change.Fields) == 0:
			fmt.Fprintf(text, "%s: no changes\n", printable(change.Name))
		default:
			fmt.Fprintf(text, "%s\n", printable(change.Name))
		}
		for _, field := range change.Fields {
			fmt.Fprintf(text, "  %s: %s -> %s\n", printable(field.Field), printable(ptr.Deref(field.From, "")),
				printable(ptr.Deref(field.To, "")))
		}
	}
	_, err := io.WriteString(d.Out, text.String())
	return err
}
