// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
)

// completionTimeout bounds the requests of a completion: a shell waits for it.
const completionTimeout = 3 * time.Second

// completions are the names of objects, none where they cannot be read.
type completions func(ctx context.Context, cluster *connect.Cluster) []string

// complete returns the names that begin so, without those that are arguments already.
func (o *options) complete(
	command *cobra.Command, args []string, prefix string, kinds ...completions,
) ([]string, cobra.ShellCompDirective) {
	cluster, err := o.connect()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(contextOf(command), completionTimeout)
	defer cancel()
	var names []string
	for _, namesOf := range kinds {
		names = append(names, namesOf(ctx, cluster)...)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, prefix) || slices.Contains(args, name)
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}

// contextOf returns the context of a command, which has none while it completes.
func contextOf(command *cobra.Command) context.Context {
	if ctx := command.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

func (o *options) completeAPIServicesAndExtensionAPIs(
	command *cobra.Command, args []string, prefix string,
) ([]string, cobra.ShellCompDirective) {
	return o.complete(command, args, prefix, apiServiceNames, extensionAPINames)
}

func (o *options) completeAPIServices(
	command *cobra.Command, args []string, prefix string,
) ([]string, cobra.ShellCompDirective) {
	return o.complete(command, args, prefix, apiServiceNames)
}

func apiServiceNames(ctx context.Context, cluster *connect.Cluster) []string {
	list := &apiregistrationv1.APIServiceList{}
	if err := cluster.Client.List(ctx, list); err != nil {
		return nil
	}
	var names []string
	for i := range list.Items {
		if list.Items[i].Spec.Service != nil {
			names = append(names, list.Items[i].Name)
		}
	}
	return names
}

func extensionAPINames(ctx context.Context, cluster *connect.Cluster) []string {
	list := &v1alpha1.ExtensionAPIList{}
	if err := cluster.Client.List(ctx, list); err != nil {
		return nil
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}
