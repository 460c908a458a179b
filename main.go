// SPDX-License-Identifier: Apache-2.0

// Command extensionapi-operator runs extension API servers and registers them with the aggregation layer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/go-logr/zapr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/controllers"
	"github.com/extensionapi/extensionapi-operator/internal/uninstall"
	"github.com/extensionapi/extensionapi-operator/internal/version"
)

// options are the command line flags.
type options struct {
	metricsBindAddress   string
	healthBindAddress    string
	leaderElect          bool
	operatorNamespace    string
	proberServiceAccount string
	secretNamespaces     []string
	checkUninstall       string
	printVersion         bool
}

func main() {
	o, logging := options{}, zap.Options{}
	o.bind(flag.CommandLine)
	logging.BindFlags(flag.CommandLine)
	flag.Parse()
	if o.printVersion {
		_, _ = fmt.Fprintln(os.Stdout, version.Current())
		return
	}

	ctx := ctrl.SetupSignalHandler()
	if o.checkUninstall != "" {
		if err := checkUninstall(ctx, o.checkUninstall); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}

	logger := zapr.NewLogger(zap.NewRaw(zap.UseFlagOptions(&logging)))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	if err := run(ctx, o); err != nil {
		logger.Error(err, "the operator ends")
		os.Exit(1)
	}
}

func (o *options) bind(flags *flag.FlagSet) {
	flags.StringVar(&o.metricsBindAddress, "metrics-bind-address", ":8443",
		"address of the metrics, over TLS for users that may get /metrics; 0 turns them off")
	flags.StringVar(&o.healthBindAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "let one of several replicas lead at a time")
	flags.StringVar(&o.operatorNamespace, "operator-namespace", os.Getenv("POD_NAMESPACE"),
		"namespace of the operator, where certificate authorities are kept; defaults to $POD_NAMESPACE")
	flags.StringVar(&o.proberServiceAccount, "prober-service-account", "extensionapi-operator-prober",
		"ServiceAccount in the operator's namespace, without any rights, as which extension API servers are probed")
	flags.Func("secret-namespaces", "namespaces, with commas between them, in which alone the operator touches Secrets, "+
		"besides its own; defaults to every namespace", func(names string) error {
		o.secretNamespaces = strings.FieldsFunc(names, func(r rune) bool { return r == ',' })
		return nil
	})
	flags.StringVar(&o.checkUninstall, "check-uninstall", "", "fail if there are ExtensionAPIs, which need the operator, "+
		"and do nothing else; the value is the command that keeps the operator, to be told then")
	flags.BoolVar(&o.printVersion, "version", false, "print version, commit, Go version and platform, and exit")
}

func run(ctx context.Context, o options) error {
	if o.operatorNamespace == "" {
		return errors.New("the operator's namespace is not known: set --operator-namespace or POD_NAMESPACE")
	}
	secretNamespaces := controllers.ConfineSecrets(o.operatorNamespace, o.secretNamespaces)
	mgr, err := newManager(o, secretNamespaces)
	if err != nil {
		return err
	}
	err = controllers.SetUp(ctx, mgr, controllers.Settings{
		OperatorNamespace:    o.operatorNamespace,
		ProberServiceAccount: o.proberServiceAccount,
		SecretNamespaces:     secretNamespaces,
		Metrics:              metrics.Registry,
	})
	if err != nil {
		return err
	}
	if err := metrics.Registry.Register(version.Current().Metric()); err != nil {
		return err
	}
	ctrl.Log.Info("starting", "build", version.Current())
	return mgr.Start(ctx)
}

// newManager returns a manager that caches only what is the operator's.
func newManager(o options, secretNamespaces controllers.SecretNamespaces) (ctrl.Manager, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: newScheme(),
		Cache:  controllers.CacheOptions(secretNamespaces),
		Client: controllers.ClientOptions(),
		Metrics: server.Options{
			BindAddress:    o.metricsBindAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
		},
		HealthProbeBindAddress:        o.healthBindAddress,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              "extensionapi-operator",
		LeaderElectionNamespace:       o.operatorNamespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return mgr, mgr.AddReadyzCheck("ping", healthz.Ping)
}

func checkUninstall(ctx context.Context, keep string) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	reader, err := client.New(config, client.Options{Scheme: newScheme()})
	if err != nil {
		return err
	}
	return uninstall.Check(ctx, reader, keep)
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(apiextensionsv1.AddToScheme(scheme))
	utilruntime.Must(apiregistrationv1.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}
