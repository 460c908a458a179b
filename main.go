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
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/go-logr/zapr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/extensionapi/extensionapi-operator/controllers"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/version"
)

// leaseName is the name of the Lease that the leader renews.
const leaseName = "extensionapi-operator"

const (
	// leaseDuration is how long the other replicas wait for a leader that has crashed: less than the default interval of
	// probes, so that none is missed, and more than the usual 15 seconds, as a busy kube-apiserver must not cost the
	// operator its Lease again and again. That is when it is needed.
	leaseDuration = 20 * time.Second
	// renewDeadline is how long the leader continues without an answer from kube-apiserver; each request may take half of
	// it (controller-runtime pkg/leaderelection). Then it tries for as long again to release the Lease, and continues
	// meanwhile (client-go tools/leaderelection, release). All that must be over before another replica may lead.
	renewDeadline = (leaseDuration - retryPeriod) / 2
	// retryPeriod is how often the Lease is renewed. The other replicas look after it has passed up to 2.2 times: within
	// that, one takes over from a leader that shuts down cleanly.
	retryPeriod = 2 * time.Second
)

// standInServicePort is the port of the Service in front of the stand-in, which the chart installs.
const standInServicePort = 443

// The images that are run for the storage of servers, in the versions of hack/storage/go.mod. The chart sets them, too.
const (
	defaultEtcdImage = "gcr.io/etcd-development/etcd:v3.7.3"
	defaultKineImage = "docker.io/rancher/kine:v0.17.2"
)

// memoryRatio is how much of the container's memory limit Go's runtime may use before it collects garbage all the time:
// the rest is for what it does not count, such as the program itself. GOMEMLIMIT and AUTOMEMLIMIT override it.
const memoryRatio = 0.9

// options are the command line flags.
type options struct {
	metricsBindAddress   string
	healthBindAddress    string
	pprofBindAddress     string
	leaderElect          bool
	operatorNamespace    string
	proberServiceAccount string
	serverNamespaces     []string
	certManager          bool
	workers              int
	images               manifests.Images
	standInBindAddress   string
	checkUninstall       string
	checkInstallation    bool
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

	noticeHungKubeAPIServers()
	ctx := ctrl.SetupSignalHandler()
	if check := o.check(); check != nil {
		if err := check(ctx); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}

	logger := zapr.NewLogger(zap.NewRaw(zap.UseFlagOptions(&logging)))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	if err := run(ctx, o); err != nil {
		logger.Error(err, "the operator terminates")
		os.Exit(1)
	}
}

func (o *options) bind(flags *flag.FlagSet) {
	flags.StringVar(&o.metricsBindAddress, "metrics-bind-address", ":8443",
		"address of the metrics, over TLS for users that may get /metrics; 0 disables them")
	flags.StringVar(&o.healthBindAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flags.StringVar(&o.pprofBindAddress, "pprof-bind-address", "",
		"address of Go's profiles, without authentication, such as 127.0.0.1:6060; empty disables them")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "elect one of several replicas as the leader")
	flags.StringVar(&o.operatorNamespace, "operator-namespace", os.Getenv("POD_NAMESPACE"),
		"namespace of the operator, where CAs are kept; defaults to $POD_NAMESPACE")
	flags.StringVar(&o.proberServiceAccount, "prober-service-account", "extensionapi-operator-prober",
		"ServiceAccount in the operator's namespace, without any permissions, with which extension API servers are probed")
	flags.Func("server-namespaces", "namespaces, with commas between them, in which alone the operator runs servers; "+
		"defaults to every namespace", func(names string) error {
		o.serverNamespaces = strings.FieldsFunc(names, func(r rune) bool { return r == ',' })
		return nil
	})
	flags.BoolVar(&o.certManager, "cert-manager", true,
		"serve ExtensionAPIs that request a certificate from cert-manager; if false, its API is never used")
	flags.StringVar(&o.standInBindAddress, "stand-in-bind-address", ":9443", "address at which discovery is served in "+
		"place of extension API servers of which no replica answers; 0 disables that")
	flags.StringVar(&o.images.Etcd, "etcd-image", defaultEtcdImage,
		"image of the etcd that is run for spec.server.storage.standalone, with the programs etcd and etcdctl")
	flags.StringVar(&o.images.Kine, "kine-image", defaultKineImage,
		"image of the kine that is run for spec.server.storage.sql; its entrypoint is kine")
	flags.IntVar(&o.workers, "workers", 4, "how many ExtensionAPIs are reconciled at a time")
	flags.BoolVar(&o.checkInstallation, "check-installation", false,
		"check whether the operator works as installed, print the result, and exit; fail if it does not")
	flags.StringVar(&o.checkUninstall, "check-uninstall", "", "fail if there are ExtensionAPIs, which need the operator, "+
		"and exit; the value is the command that keeps the operator, to be printed then")
	flags.BoolVar(&o.printVersion, "version", false, "print version, commit, Go version and platform, and exit")
}

func run(ctx context.Context, o options) error {
	if o.operatorNamespace == "" {
		return errors.New("the operator's namespace is unknown: set --operator-namespace or POD_NAMESPACE")
	}
	_, live, err := newClient()
	if err != nil {
		return err
	}
	serverNamespaces := observe.ConfineServers(ctx, live, o.operatorNamespace, o.serverNamespaces)
	mgr, err := newManager(o, serverNamespaces)
	if err != nil {
		return err
	}
	err = controllers.SetUp(ctx, mgr, controllers.Settings{
		OperatorNamespace:    o.operatorNamespace,
		ProberServiceAccount: o.proberServiceAccount,
		ServerNamespaces:     serverNamespaces,
		CertManager:          o.certManager,
		StandIn:              controllers.StandInSettings{BindAddress: o.standInBindAddress, ServicePort: standInServicePort},
		Images:               o.images,
		Workers:              o.workers,
		Metrics:              metrics.Registry,
	})
	if err != nil {
		return err
	}
	if err := metrics.Registry.Register(version.Current().Metric()); err != nil {
		return err
	}
	limitMemory()
	ctrl.Log.Info("starting", "build", version.Current())
	return mgr.Start(ctx)
}

// limitMemory does nothing where the container has no limit, or GOMEMLIMIT is set.
func limitMemory() {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryRatio))
	if err != nil {
		ctrl.Log.Info("GOMEMLIMIT does not follow the container's memory limit, which cannot be read", "error", err.Error())
		return
	}
	ctrl.Log.Info("memory is limited", "GOMEMLIMIT", limit)
}

// newManager returns a manager that caches only what is the operator's.
func newManager(o options, serverNamespaces observe.ServerNamespaces) (ctrl.Manager, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	clientOptions, err := controllers.ClientOptions(config)
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:         kinds.Scheme(),
		Cache:          controllers.CacheOptions(o.operatorNamespace, serverNamespaces),
		Client:         clientOptions,
		MapperProvider: kinds.ProvideMapper,
		Metrics: server.Options{
			BindAddress:    o.metricsBindAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
		},
		HealthProbeBindAddress:        o.healthBindAddress,
		PprofBindAddress:              o.pprofBindAddress,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       o.operatorNamespace,
		LeaderElectionReleaseOnCancel: true, // after all work has ended
		LeaseDuration:                 new(leaseDuration),
		RenewDeadline:                 new(renewDeadline),
		RetryPeriod:                   new(retryPeriod),
	})
	if err != nil {
		return nil, err
	}
	return mgr, mgr.AddHealthzCheck("ping", healthz.Ping)
}
