// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/extensionapi/extensionapi-operator/controllers"
)

// operator is the operator, run in this process as main.go runs it.
type operator struct {
	// metrics are the operator's own.
	metrics *prometheus.Registry
	// writes are the requests that it sent to change something.
	writes *writeLog
	// fails, where set, says which requests get an internal error instead of kube-apiserver's answer.
	fails atomic.Pointer[func(*http.Request) bool]
	// stop ends the operator and waits for its end.
	stop func()
}

// startOperator confines the operator to the Secrets of these namespaces, if there are any.
func startOperator(p *controlPlane, secretNamespaces ...string) (*operator, error) {
	restConfig, err := p.operatorConfig()
	if err != nil {
		return nil, err
	}
	confined := controllers.ConfineSecrets(operatorNamespace, secretNamespaces)
	o := &operator{metrics: prometheus.NewRegistry(), writes: &writeLog{}}
	restConfig.Wrap(o.wrap)
	mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
		Scheme:  newScheme(),
		Cache:   controllers.CacheOptions(confined),
		Client:  controllers.ClientOptions(),
		Metrics: server.Options{BindAddress: "0"},
		// The operator is started again in this process, under the same name.
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	err = controllers.SetUp(ctx, mgr, controllers.Settings{
		OperatorNamespace:    operatorNamespace,
		ProberServiceAccount: proberAccount,
		SecretNamespaces:     confined,
		Metrics:              o.metrics,
	})
	if err != nil {
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
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		cancel()
		return nil, errors.Join(errors.New("the operator did not start"), <-ended)
	}
	return o, nil
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
		if request.Method != http.MethodGet {
			o.writes.add(request.Method + " " + request.URL.Path)
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
