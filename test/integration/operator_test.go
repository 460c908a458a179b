// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/extensionapi/extensionapi-operator/controllers"
)

// operator is the operator, run in this process as main.go runs it.
type operator struct {
	// metrics are the operator's own.
	metrics *prometheus.Registry
	// metricsAddress is where others get metrics.
	metricsAddress string
	// writes are the requests that it sent to change something.
	writes *writeLog
	// dryRuns are those that only asked what would change.
	dryRuns *writeLog
	// fails, where set, says which requests get an internal error instead of kube-apiserver's answer.
	fails atomic.Pointer[func(*http.Request) bool]
	// stop ends the operator and waits for its end.
	stop func()
}

// installed are the settings of an operator that is installed with the chart's default values.
var installed = controllers.Settings{CertManager: true}

// startOperator completes the settings.
func startOperator(p *controlPlane, settings controllers.Settings) (*operator, error) {
	restConfig, err := p.operatorConfig()
	if err != nil {
		return nil, err
	}
	port, err := findFreePort()
	if err != nil {
		return nil, err
	}
	o := &operator{
		metrics: prometheus.NewRegistry(), metricsAddress: fmt.Sprintf("127.0.0.1:%d", port),
		writes: &writeLog{}, dryRuns: &writeLog{},
	}
	mgr, err := o.newManager(restConfig, settings.SecretNamespaces)
	if err != nil {
		return nil, err
	}
	settings.OperatorNamespace, settings.ProberServiceAccount = operatorNamespace, proberAccount
	settings.Metrics = o.metrics
	ctx, cancel := context.WithCancel(ctx)
	if err := controllers.SetUp(ctx, mgr, settings); err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	o.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			ctrl.Log.Error(err, "the operator ended")
		}
	}
	select {
	case <-mgr.Elected():
		return o, nil
	case err := <-ended:
		cancel()
		return nil, errors.Join(errors.New("the operator did not start"), err)
	}
}

func (o *operator) newManager(restConfig *rest.Config, confined controllers.SecretNamespaces) (ctrl.Manager, error) {
	// The Lease is renewed all the time, which is not what tests mean by a write.
	leaderElection := rest.CopyConfig(restConfig)
	restConfig.Wrap(o.wrap)
	return ctrl.NewManager(restConfig, ctrl.Options{
		Scheme: newScheme(),
		Cache:  controllers.CacheOptions(confined),
		Client: controllers.ClientOptions(),
		Metrics: server.Options{
			BindAddress:    o.metricsAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
		},
		LeaderElection:                true,
		LeaderElectionConfig:          leaderElection,
		LeaderElectionID:              operatorAccount,
		LeaderElectionNamespace:       operatorNamespace,
		LeaderElectionReleaseOnCancel: true, // or the next one started would wait for the end of the Lease
		// The operator is started again in this process, under the same name.
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
}

// writeLog records the requests that ask for a change.
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

func (w *writeLog) add(entry string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, entry)
}

func (o *operator) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		switch sent := request.Method + " " + request.URL.Path; {
		case request.Method == http.MethodGet:
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

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
