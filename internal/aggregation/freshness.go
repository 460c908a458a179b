// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
)

const (
	// freshnessInterval is the time between two looks at each kube-apiserver. It refreshes its own view each minute
	// (kube-aggregator pkg/apiserver/handler_discovery.go).
	freshnessInterval = 30 * time.Second
	// acceptAggregated asks for what this kube-apiserver aggregates itself, without what its peers serve. One that knows
	// no profiles overlooks that (apiserver pkg/endpoints/handlers/negotiation/negotiate.go).
	acceptAggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer"
)

// Freshness looks at the aggregated discovery of each kube-apiserver: one request for all group-versions.
type Freshness struct {
	clients clientsOf
	clock   clock.Clock
	changed func(schema.GroupVersion)
	// failures are those of the last look, by address. Only look uses them.
	failures map[string]string

	mu    sync.Mutex
	views views
}

// NewFreshness returns a Freshness that calls changed when what it reports of a group-version has settled, when
// something bad has settled in it, and when that ends.
func NewFreshness(servers *KubeAPIServers, clk clock.Clock, changed func(schema.GroupVersion)) *Freshness {
	return &Freshness{clients: servers.Clients, clock: clk, changed: changed}
}

// Start looks until ctx ends. It implements manager.Runnable.
func (f *Freshness) Start(ctx context.Context) error {
	for {
		f.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-f.clock.After(wait.Jitter(freshnessInterval, 0.1)):
		}
	}
}

// NeedLeaderElection has an operator that stands by look, too: else it would know enough only two minutes after it took
// over. It implements manager.LeaderElectionRunnable.
func (f *Freshness) NeedLeaderElection() bool { return false }

// Of returns what each kube-apiserver has said of a group-version, in the order of their addresses. There is no report
// of one that does not know it, or that has not told its aggregated discovery for five minutes. looked is false before
// the first look.
func (f *Freshness) Of(groupVersion schema.GroupVersion) (reports []Report, looked bool) {
	views := f.current()
	return views.of(groupVersion), views != nil
}

func (f *Freshness) current() views {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.views
}

func (f *Freshness) look(ctx context.Context) {
	before := f.current()
	documents, failures := askAll(ctx, f.clients,
		func(ctx context.Context, httpClient *http.Client, address string) (document, error) {
			return fetch(ctx, httpClient, address, before[address].document)
		})
	if ctx.Err() != nil {
		return
	}
	f.log(ctx, failures)
	after := before.after(documents, f.clock.Now())
	f.mu.Lock()
	f.views = after
	f.mu.Unlock()
	for groupVersion := range after.turned(before) {
		f.changed(groupVersion)
	}
}

// fetch returns the document of a kube-apiserver, the last one where it has not changed.
func fetch(ctx context.Context, client *http.Client, address string, last document) (document, error) {
	header := http.Header{"Accept": {acceptAggregated}}
	if last.etag != "" {
		header.Set("If-None-Match", last.etag)
	}
	return get(ctx, client, address, "/apis", header, func(response *http.Response) (document, error) {
		switch response.StatusCode {
		case http.StatusNotModified:
			return last, nil
		case http.StatusOK:
			return readDocument(response)
		default:
			return document{}, fmt.Errorf("it answers %s", response.Status)
		}
	})
}

// log tells a failure once and not at each look: one such as 406 Not Acceptable is there to stay.
func (f *Freshness) log(ctx context.Context, failures map[string]string) {
	for address, failure := range failures {
		if f.failures[address] != failure {
			ctrl.LoggerFrom(ctx).Info("cannot look at aggregated discovery, so what is Stale or Empty in it is not told",
				"kubeAPIServer", address, "error", failure)
		}
	}
	f.failures = failures
}
