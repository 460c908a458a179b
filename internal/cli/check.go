// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/contract"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/render"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

const (
	outputTAP   = "tap"
	outputJUnit = "junit"
	// maxLoad bounds --load: a check must not be an attack.
	maxLoad = 10_000
)

// checker is the command check.
type checker struct {
	*options
	output   outputFlag
	contract contract.Options
}

const checkHelp = `Tests what Kubernetes and kubectl expect of an extension API server: discovery, OpenAPI,
and for each resource list, watch and content types, as far as it offers them. All requests go
through kube-apiserver and change nothing; what the permissions do not allow is skipped.

Exit code: 0 passed, 1 failed, 3 not run.`

func checkCommand(o *options) *cobra.Command {
	c := &checker{options: o}
	command := &cobra.Command{
		Use:   "check (APISERVICE | EXTENSIONAPI) ...",
		Short: "Test whether servers do what Kubernetes expects of them",
		Long:  checkHelp,
		Example: "  kubectl extensionapi check v1beta1.metrics.k8s.io\n" +
			"  kubectl extensionapi check wardle --load 500 -o junit > report.xml",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: o.completeAPIServicesAndExtensionAPIs,
		RunE: func(command *cobra.Command, names []string) error {
			return c.run(command.Context(), names)
		},
	}
	c.output.add(command, outputText, outputTAP, outputJUnit, outputJSON, outputYAML)
	command.Flags().IntVar(&c.contract.Load, "load", 0,
		"Number of discovery requests to measure latencies with, eight at the same time")
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitNotRun, err} })
	return command
}

func (c *checker) run(ctx context.Context, names []string) error {
	if c.contract.Load < 0 || c.contract.Load > maxLoad {
		return &exitError{exitNotRun, fmt.Errorf("--load must be at most %d", maxLoad)}
	}
	cluster, err := c.connect()
	if err != nil {
		return &exitError{exitNotRun, err}
	}
	versions, err := versionsOf(ctx, cluster, names)
	if err != nil {
		return &exitError{exitNotRun, err}
	}
	suites := []contract.Suite{}
	for _, version := range versions {
		suites = append(suites, contract.Run(ctx, cluster, c.clock, version, c.contract))
	}
	if err := c.print(suites); err != nil {
		return &exitError{exitNotRun, err}
	}
	if slices.ContainsFunc(suites, func(suite contract.Suite) bool { return !suite.Passed() }) {
		return &exitError{code: 1}
	}
	return nil
}

// versionsOf are the group-versions of APIServices, and of the APIServices of ExtensionAPIs.
func versionsOf(ctx context.Context, cluster *connect.Cluster, names []string) ([]schema.GroupVersion, error) {
	list := &apiregistrationv1.APIServiceList{}
	if err := cluster.Client.List(ctx, list); err != nil {
		return nil, err
	}
	found := map[string]schema.GroupVersion{}
	for _, name := range names {
		matched := false
		for i := range list.Items {
			item := &list.Items[i]
			if item.Spec.Service != nil && (item.Name == name || item.Labels[manifests.OwnerLabel] == name) {
				matched = true
				found[item.Name] = schema.GroupVersion{Group: item.Spec.Group, Version: item.Spec.Version}
			}
		}
		if !matched {
			return nil, fmt.Errorf("there is no APIService %q with a Service, and no ExtensionAPI with one", name)
		}
	}
	var versions []schema.GroupVersion
	for _, name := range slices.Sorted(maps.Keys(found)) {
		versions = append(versions, found[name])
	}
	return versions, nil
}

func (c *checker) print(suites []contract.Suite) error {
	return c.output.write(c.Out, suites, func() error {
		switch c.output.value {
		case outputTAP:
			return contract.TAP(c.Out, suites)
		case outputJUnit:
			return contract.JUnit(c.Out, suites)
		default:
			return printSuites(c.Out, suites, render.Style{Colour: isTerminal(c.Out)})
		}
	})
}

var contractLevels = map[contract.Status]check.Level{
	contract.Passed: check.OK, contract.Failed: check.Broken, contract.Skipped: check.NotChecked,
}

// printSuites writes a line for each case.
func printSuites(out io.Writer, suites []contract.Suite, style render.Style) error {
	text := &strings.Builder{}
	for i, suite := range suites {
		if i > 0 {
			text.WriteString("\n")
		}
		fmt.Fprintln(text, printable(suite.Name))
		for _, tested := range suite.Cases {
			line := tested.Name
			if tested.Detail != "" {
				line += ": " + tested.Detail
			}
			fmt.Fprintf(text, "%s %s\n", style.Mark(contractLevels[tested.Status]), printable(line))
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}
