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
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
	rollout  bool
}

const checkHelp = `Tests what Kubernetes and kubectl expect of an extension API server: discovery, OpenAPI,
and for each resource list, watch, content types and creation as a dry run, as far as it offers
them. All requests go through kube-apiserver and change nothing, with two exceptions that you
choose: --admission creates a ValidatingAdmissionPolicy for a moment, and --rollout replaces the
server's Pods. What the permissions do not allow is skipped.

Exit code: 0 passed, 1 failed, 3 not run.`

func checkCommand(o *options) *cobra.Command {
	c := &checker{options: o}
	command := &cobra.Command{
		Use:   "check (APISERVICE | EXTENSIONAPI) ...",
		Short: "Test whether servers do what Kubernetes expects of them",
		Long:  checkHelp,
		Example: "  kubectl extensionapi check v1beta1.metrics.k8s.io\n" +
			"  kubectl extensionapi check wardle --load 500 -o junit > report.xml\n" +
			"  kubectl extensionapi check wardle --admission --rollout",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: o.completeAPIServicesAndExtensionAPIs,
		RunE: func(command *cobra.Command, names []string) error {
			return c.run(command.Context(), names)
		},
	}
	c.output.add(command, outputText, outputTAP, outputJUnit, outputJSON, outputYAML)
	command.Flags().IntVar(&c.contract.Load, "load", 0,
		"Number of discovery requests to measure latencies with, eight at the same time")
	command.Flags().BoolVar(&c.contract.Admission, "admission", false,
		"Create a ValidatingAdmissionPolicy against the dry run of one object, see whether the server calls it, "+
			"and delete it")
	command.Flags().BoolVar(&c.rollout, "rollout", false,
		"Restart the Deployment of each server, and see whether discovery fails meanwhile")
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
	suites := c.test(ctx, cluster, versions)
	if err := c.print(suites); err != nil {
		return &exitError{exitNotRun, err}
	}
	if slices.ContainsFunc(suites, func(suite contract.Suite) bool { return !suite.Passed() }) {
		return &exitError{code: 1}
	}
	return nil
}

// test tests each group-version, and then each server.
func (c *checker) test(
	ctx context.Context, cluster *connect.Cluster, services map[schema.GroupVersion]client.ObjectKey,
) []contract.Suite {
	suites, versions := []contract.Suite{}, map[client.ObjectKey][]schema.GroupVersion{}
	for _, version := range slices.SortedFunc(maps.Keys(services), byName[schema.GroupVersion]) {
		suites = append(suites, contract.Run(ctx, cluster, c.clock, version, c.contract))
		versions[services[version]] = append(versions[services[version]], version)
	}
	if !c.rollout {
		return suites
	}
	for _, service := range slices.SortedFunc(maps.Keys(versions), byName[client.ObjectKey]) {
		suites = append(suites, c.rollOut(ctx, cluster, service, versions[service]))
	}
	return suites
}

func byName[T fmt.Stringer](a, b T) int { return strings.Compare(a.String(), b.String()) }

// rollOut restarts the only Deployment behind a Service.
func (c *checker) rollOut(
	ctx context.Context, cluster *connect.Cluster, service client.ObjectKey, versions []schema.GroupVersion,
) contract.Suite {
	deployment, err := deploymentBehind(ctx, cluster, service)
	if err != nil {
		return contract.NoRollout(service.String(), err.Error())
	}
	return contract.Rollout(ctx, cluster, c.clock, deployment, versions)
}

// deploymentBehind is the only one whose Pods a Service selects.
func deploymentBehind(
	ctx context.Context, cluster *connect.Cluster, key client.ObjectKey,
) (*appsv1.Deployment, error) {
	service := &corev1.Service{}
	if err := cluster.Client.Get(ctx, key, service); err != nil {
		return nil, err
	}
	deployments, err := deploymentsBehind(ctx, cluster, service)
	if err == nil && len(deployments) != 1 {
		err = fmt.Errorf("the Service selects the Pods of %d Deployments, not of one", len(deployments))
	}
	if err != nil {
		return nil, err
	}
	return &deployments[0], nil
}

// versionsOf are the group-versions of APIServices, and of the APIServices of ExtensionAPIs, with the Service of each.
func versionsOf(
	ctx context.Context, cluster *connect.Cluster, names []string,
) (map[schema.GroupVersion]client.ObjectKey, error) {
	list := &apiregistrationv1.APIServiceList{}
	if err := cluster.Client.List(ctx, list); err != nil {
		return nil, err
	}
	found := map[schema.GroupVersion]client.ObjectKey{}
	for _, name := range names {
		matched := false
		for i := range list.Items {
			item := &list.Items[i]
			if item.Spec.Service != nil && (item.Name == name || item.Labels[manifests.OwnerLabel] == name) {
				matched = true
				version := schema.GroupVersion{Group: item.Spec.Group, Version: item.Spec.Version}
				found[version] = keyOf(item.Spec.Service)
			}
		}
		if !matched {
			return nil, fmt.Errorf("there is no APIService %q with a Service, and no ExtensionAPI with one", name)
		}
	}
	return found, nil
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
