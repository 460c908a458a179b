// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/util/compatibility"
	openapicommon "k8s.io/kube-openapi/pkg/common"
)

// Server is an extension API server.
type Server struct {
	// Name of the server, for its logs, its OpenAPI document and its prefix in etcd.
	Name string
	// Versions are the Install functions of the API's packages. Clients prefer v2 to v1, and v1 to v2beta1.
	Versions []func(*runtime.Scheme) error
	// Resources are what is served.
	Resources []Resource
	// OpenAPI are the definitions that openapi-gen has generated of all versions.
	OpenAPI openapicommon.GetOpenAPIDefinitions
}

// NewCommand returns the command that serves the API until it receives SIGTERM, and then completes open requests.
func NewCommand(server Server) *cobra.Command {
	var options *Options
	command := &cobra.Command{
		Use:          "apiserver",
		Short:        "Serve the API",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		PreRunE: func(*cobra.Command, []string) error {
			return compatibility.DefaultComponentGlobalsRegistry.Set()
		},
		RunE: func(command *cobra.Command, _ []string) error {
			return server.run(genericapiserver.SetupSignalContext(), options)
		},
	}
	options = NewOptions(server)
	options.AddFlags(command.Flags())
	compatibility.DefaultComponentGlobalsRegistry.AddFlags(command.Flags())
	return command
}

func (s Server) run(ctx context.Context, options *Options) error {
	invalid := append(options.Validate(), compatibility.DefaultComponentGlobalsRegistry.Validate()...)
	if err := errors.NewAggregate(invalid); err != nil {
		return err
	}
	server, err := s.New(options, func(*genericapiserver.RecommendedConfig) {})
	if err != nil {
		return err
	}
	return server.PrepareRun().RunWithContext(ctx)
}

// New returns a server that is configured with options, and then by a function: options that are nil reset what they
// configure, such as the authenticator. Admission plugins have the authorizer of the options.
func (s Server) New(
	options *Options, configure func(*genericapiserver.RecommendedConfig),
) (*genericapiserver.GenericAPIServer, error) {
	types, err := s.types()
	if err != nil {
		return nil, err
	}
	config, err := options.config(s, types)
	if err != nil {
		return nil, err
	}
	configure(config)
	return s.install(config, types)
}

// install returns a server with the groups of all resources.
func (s Server) install(
	config *genericapiserver.RecommendedConfig, types *types,
) (*genericapiserver.GenericAPIServer, error) {
	server, err := config.Complete().New(s.Name, genericapiserver.NewEmptyDelegate())
	if err != nil {
		return nil, err
	}
	groups, err := types.groups(s.Resources, config.RESTOptionsGetter)
	if err != nil {
		return nil, err
	}
	if err := server.InstallAPIGroups(groups...); err != nil {
		return nil, fmt.Errorf("API groups: %w", err)
	}
	return server, nil
}
