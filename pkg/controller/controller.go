// SPDX-License-Identifier: Apache-2.0

// Package controller runs the controllers of an API beside its server. For its compatibility see package apiserver.
package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// Program is the controllers of an API in one process.
type Program struct {
	// Name is that of the Lease that a leader holds.
	Name string
	// Versions are the Install functions of the API's packages. Controllers start when all of them are served.
	Versions []func(*runtime.Scheme) error
	// Setup are the functions that add controllers to a manager.
	Setup []func(ctrl.Manager) error
}

// options are the flags.
type options struct {
	leaderElect    bool
	healthAddress  string
	metricsAddress string
}

// NewCommand returns the command that runs the controllers until it receives SIGTERM.
func NewCommand(program Program) *cobra.Command {
	var options options
	command := &cobra.Command{
		Use:          "controllers",
		Short:        "Run the controllers of the API",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(*cobra.Command, []string) error {
			ctrl.SetLogger(klog.NewKlogr())
			config, err := ctrl.GetConfig()
			if err != nil {
				return err
			}
			return program.run(ctrl.SetupSignalHandler(), config, options)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&options.leaderElect, "leader-elect", false, "Run controllers only while holding a Lease; needed with "+
		"more than one replica.")
	flags.StringVar(&options.healthAddress, "health-address", ":8081", "Address of /healthz and /readyz.")
	flags.StringVar(&options.metricsAddress, "metrics-address", "0", "Address of /metrics, over HTTP; 0 for none.")
	return command
}

func (p Program) run(ctx context.Context, config *rest.Config, options options) error {
	scheme, versions, err := p.types()
	if err != nil {
		return err
	}
	err = whileWaiting(ctx, options.healthAddress, func() error { return waitForDiscovery(ctx, config, versions) })
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		HealthProbeBindAddress:        options.healthAddress,
		Metrics:                       server.Options{BindAddress: options.metricsAddress},
		LeaderElection:                options.leaderElect,
		LeaderElectionID:              p.Name,
		LeaderElectionReleaseOnCancel: true, // the program ends when the manager does
	})
	if err != nil {
		return err
	}
	if err := p.setUp(manager); err != nil {
		return err
	}
	return manager.Start(ctx)
}

// setUp adds the controllers and the health checks.
func (p Program) setUp(manager ctrl.Manager) error {
	for _, setUp := range p.Setup {
		if err := setUp(manager); err != nil {
			return err
		}
	}
	synced := func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), time.Second)
		defer cancel()
		if !manager.GetCache().WaitForCacheSync(ctx) {
			return errors.New("the caches have not synced")
		}
		return nil
	}
	return errors.Join(manager.AddHealthzCheck("ping", healthz.Ping), manager.AddReadyzCheck("caches", synced))
}

// types returns a scheme with the API and Kubernetes' own types, and the group-versions of the API.
func (p Program) types() (*runtime.Scheme, []schema.GroupVersion, error) {
	scheme := runtime.NewScheme()
	for _, install := range p.Versions {
		if err := install(scheme); err != nil {
			return nil, nil, err
		}
	}
	versions := scheme.PrioritizedVersionsAllGroups()
	return scheme, versions, clientgoscheme.AddToScheme(scheme)
}

// waitForDiscovery waits until all group-versions are served: a controller that starts sooner fails, as it cannot
// discover its kinds. The operator starts it no sooner; what else may start it does not wait.
func waitForDiscovery(ctx context.Context, config *rest.Config, versions []schema.GroupVersion) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	for _, version := range versions {
		err := wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
			served, err := client.ServerResourcesForGroupVersion(version.String())
			if err != nil || len(served.APIResources) == 0 {
				klog.FromContext(ctx).Info("Waiting for the API", "groupVersion", version, "reason", fmt.Sprint(err))
				return false, nil
			}
			return true, nil
		})
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", version, err)
		}
	}
	return nil
}
