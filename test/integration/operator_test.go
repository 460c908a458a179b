// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/extensionapi/extensionapi-operator/controllers"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
)

// operator is an operator that runs in this process like in main.go.
type operator struct {
	// metrics is the operator's own registry.
	metrics *prometheus.Registry
	// metricsAddress is the address of the metrics endpoint.
	metricsAddress string
	// healthAddress is the address of /readyz.
	healthAddress string
	// writes are its write requests, except dry runs.
	writes *writeLog
	// dryRuns are its dry-run requests.
	dryRuns *writeLog
	// watches are its watches of all objects of a kind.
	watches *writeLog
	// fails, if set, selects requests that get an internal error instead of kube-apiserver's response.
	fails atomic.Pointer[func(*http.Request) bool]
	// cutOff makes all requests fail, including those for the Lease.
	cutOff atomic.Bool
	// elected is closed when it leads, and ended when it has terminated with err.
	elected <-chan struct{}
	ended   chan struct{}
	err     error
	// stop stops the operator and waits until it has terminated.
	stop func()
}

// installed are the settings of an operator with the chart's default values.
var installed = controllers.Settings{CertManager: true, Images: manifests.Images{Etcd: "etcd", Kine: "kine"}}

// leaseTimes are the durations of leader election, nil for the defaults.
type leaseTimes struct{ duration, renewDeadline, retryPeriod *time.Duration }

// startOperator completes the settings, starts an operator, and returns when it leads.
func startOperator(p *controlPlane, settings controllers.Settings) (*operator, error) {
	o, err := launchOperator(p, leaseTimes{}, settings)
	if err != nil {
		return nil, err
	}
	select {
	case <-o.elected:
		return o, nil
	case <-o.ended:
		return nil, errors.Join(errors.New("the operator did not start"), o.err)
	}
}

func launchOperator(p *controlPlane, times leaseTimes, settings controllers.Settings) (*operator, error) {
	restConfig, err := p.operatorConfig()
	if err != nil {
		return nil, err
	}
	metricsAddress, err := freeAddress()
	if err != nil {
		return nil, err
	}
	healthAddress, err := freeAddress()
	if err != nil {
		return nil, err
	}
	o := &operator{
		metrics: prometheus.NewRegistry(), metricsAddress: metricsAddress, healthAddress: healthAddress,
		writes: &writeLog{}, dryRuns: &writeLog{}, watches: &writeLog{}, ended: make(chan struct{}),
	}
	mgr, err := o.newManager(restConfig, settings.ServerNamespaces, times)
	if err != nil {
		return nil, err
	}
	settings.OperatorNamespace, settings.ProberServiceAccount = operatorNamespace, proberAccount
	if settings.StandIn, err = standInHere(settings.StandIn); err != nil {
		return nil, err
	}
	settings.Metrics = o.metrics
	ctx, cancel := context.WithCancel(ctx)
	if err := controllers.SetUp(ctx, mgr, settings); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer close(o.ended)
		o.err = mgr.Start(ctx)
	}()
	o.elected = mgr.Elected()
	o.stop = func() {
		cancel()
		<-o.ended
		if o.err != nil {
			ctrl.Log.Error(o.err, "the operator terminated")
		}
	}
	return o, nil
}

// standInHere has the stand-in listen at a free port of this machine, which its Service resolves to. A port that is set
// is that of the Service only.
func standInHere(settings controllers.StandInSettings) (controllers.StandInSettings, error) {
	port, err := findFreePort()
	settings.BindAddress = fmt.Sprintf("127.0.0.1:%d", port)
	settings.ServicePort = cmp.Or(settings.ServicePort, port)
	return settings, err
}

func freeAddress() (string, error) {
	port, err := findFreePort()
	return fmt.Sprintf("127.0.0.1:%d", port), err
}

// isReady probes the operator like the kubelet.
func (o *operator) isReady() bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.healthAddress+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	answer, err := (&http.Client{Timeout: time.Second}).Do(request)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

func (o *operator) newManager(
	restConfig *rest.Config, confined observe.ServerNamespaces, times leaseTimes,
) (ctrl.Manager, error) {
	// Renewals of the Lease do not count as writes in tests.
	leaderElection := rest.CopyConfig(restConfig)
	leaderElection.Wrap(o.unlessCutOff)
	restConfig.Wrap(o.unlessCutOff)
	restConfig.Wrap(o.wrap)
	clientOptions, err := controllers.ClientOptions(restConfig)
	if err != nil {
		return nil, err
	}
	return ctrl.NewManager(restConfig, ctrl.Options{
		Scheme:         kinds.Scheme(),
		Cache:          controllers.CacheOptions(operatorNamespace, confined),
		Client:         clientOptions,
		MapperProvider: kinds.ProvideMapper,
		Metrics: server.Options{
			BindAddress:    o.metricsAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
		},
		HealthProbeBindAddress:        o.healthAddress,
		LeaderElection:                true,
		LeaderElectionConfig:          leaderElection,
		LeaderElectionID:              operatorAccount,
		LeaderElectionNamespace:       operatorNamespace,
		LeaderElectionReleaseOnCancel: true, // or the next operator would wait until the Lease expires
		LeaseDuration:                 times.duration,
		RenewDeadline:                 times.renewDeadline,
		RetryPeriod:                   times.retryPeriod,
		// The operator is restarted in this process, with the same controller name.
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
}

// writeLog records write requests.
type writeLog struct {
	mu      sync.Mutex
	entries []string
}

// since returns the requests after the first n.
func (w *writeLog) since(n int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.entries[n:])
}

func (w *writeLog) count() int { return len(w.since(0)) }

// distinct returns the requests without repetitions.
func (w *writeLog) distinct() sets.Set[string] { return sets.New(w.since(0)...) }

func (w *writeLog) add(entry string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, entry)
}

func (o *operator) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		switch sent := request.Method + " " + request.URL.Path; {
		case request.URL.Query().Has("watch") && !request.URL.Query().Has("fieldSelector"):
			o.watches.add(sent)
		case request.Method == http.MethodGet, strings.HasSuffix(sent, "/selfsubjectaccessreviews"): // stores nothing
		case request.URL.Query().Has("dryRun"):
			o.dryRuns.add(sent)
		default:
			o.writes.add(sent)
		}
		if fails := o.fails.Load(); fails != nil && (*fails)(request) {
			answer := httptest.NewRecorder()
			answer.WriteHeader(http.StatusInternalServerError)
			return answer.Result(), nil
		}
		return next.RoundTrip(request)
	})
}

func (o *operator) unlessCutOff(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if o.cutOff.Load() {
			return nil, errors.New("the operator is cut off from kube-apiserver")
		}
		return next.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
