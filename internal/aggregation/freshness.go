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
	// freshnessInterval is the time between two polls of each kube-apiserver, which refreshes its own view every minute
	// (kube-aggregator pkg/apiserver/handler_discovery.go).
	freshnessInterval = 30 * time.Second
	// acceptAggregated requests what this kube-apiserver aggregates itself, without what its peers serve. One that does
	// not support profiles ignores that parameter (apiserver pkg/endpoints/handlers/negotiation/negotiate.go).
	acceptAggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer"
)

// Freshness polls the aggregated discovery of each kube-apiserver: one request for all group-versions.
type Freshness struct {
	clients clientsOf
	clock   clock.Clock
	changed func(schema.GroupVersion)
	// failures are those of the last poll, by address. Only poll uses them.
	failures map[string]string

	mu    sync.Mutex
	views views
}

// NewFreshness returns a Freshness that calls changed when the report for a group-version has settled, when it has
// become Stale or Empty, and when that ends.
func NewFreshness(servers *KubeAPIServers, clk clock.Clock, changed func(schema.GroupVersion)) *Freshness {
	return &Freshness{clients: servers.Clients, clock: clk, changed: changed}
}

// Start polls until ctx is done. It implements manager.Runnable.
func (f *Freshness) Start(ctx context.Context) error {
	for {
		f.poll(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-f.clock.After(wait.Jitter(freshnessInterval, 0.1)):
		}
	}
}

// NeedLeaderElection returns false, so that a standby replica polls as well: otherwise its reports would settle only
// two minutes after a failover. It implements manager.LeaderElectionRunnable.
func (f *Freshness) NeedLeaderElection() bool { return false }

// Of returns the report of each kube-apiserver for a group-version, ordered by address. There is none for a
// kube-apiserver that does not serve the group-version, or whose aggregated discovery could not be read for five
// minutes. polled is false before the first poll.
func (f *Freshness) Of(groupVersion schema.GroupVersion) (reports []Report, polled bool) {
	views := f.current()
	return views.of(groupVersion), views != nil
}

func (f *Freshness) current() views {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.views
}

func (f *Freshness) poll(ctx context.Context) {
	before := f.current()
	documents, failures := queryAll(ctx, f.clients,
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
	for groupVersion := range after.changedFrom(before) {
		f.changed(groupVersion)
	}
}

// fetch returns the document of a kube-apiserver, the last one if it has not changed.
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
			return document{}, fmt.Errorf("it answered %s", response.Status)
		}
	})
}

// log logs a failure once and not at each poll: one such as 406 Not Acceptable is permanent.
func (f *Freshness) log(ctx context.Context, failures map[string]string) {
	for address, failure := range failures {
		if f.failures[address] != failure {
			ctrl.LoggerFrom(ctx).Info("cannot read aggregated discovery, Stale and Empty group-versions are not reported",
				"kubeAPIServer", address, "error", failure)
		}
	}
	f.failures = failures
}
