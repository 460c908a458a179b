// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
)

const (
	// freshnessInterval is the time between two looks at each kube-apiserver. It refreshes its own view each minute
	// (kube-aggregator pkg/apiserver/handler_discovery.go).
	freshnessInterval = 30 * time.Second
	// settledAfter is how many looks in a row must see the same before it counts: a group-version is Stale for a moment
	// after it was registered.
	settledAfter = 4
	// maxDocument is far above the discovery document of any cluster.
	maxDocument = 64 << 20
	// acceptAggregated asks for what this kube-apiserver aggregates itself, without what its peers serve.
	acceptAggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer," +
		"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
)

// VersionState is what a kube-apiserver's aggregated discovery says of a group-version.
type VersionState struct {
	// Stale tells that kube-apiserver could not get it from the server when it asked last.
	Stale bool
	// Empty tells that kube-apiserver knows of no resource in it.
	Empty bool
}

func (s VersionState) isGood() bool { return s == VersionState{} }

// Report is what one kube-apiserver has said of a group-version several times in a row.
type Report struct {
	// KubeAPIServer is its address (host:port).
	KubeAPIServer string
	VersionState
	// Settled tells that it has said so for about two minutes.
	Settled bool
}

// Freshness looks at the aggregated discovery of each kube-apiserver: one request for all group-versions.
type Freshness struct {
	clients func(context.Context) (map[string]*http.Client, error)
	clock   clock.Clock
	changed func(schema.GroupVersion)

	mu    sync.Mutex
	views map[string]*view
}

// view is what one kube-apiserver says.
type view struct {
	etag   string
	states map[schema.GroupVersion]VersionState
	// looks is how many looks in a row have seen the state.
	looks map[schema.GroupVersion]int
}

// NewFreshness returns a Freshness that calls changed when a bad state of a group-version has settled, or ended.
func NewFreshness(servers *KubeAPIServers, clk clock.Clock, changed func(schema.GroupVersion)) *Freshness {
	return &Freshness{clients: servers.Clients, clock: clk, changed: changed, views: map[string]*view{}}
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

// Of returns what each kube-apiserver says of a group-version that it knows.
func (f *Freshness) Of(groupVersion schema.GroupVersion) []Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	var reports []Report
	for address, view := range f.views {
		if state, known := view.states[groupVersion]; known {
			reports = append(reports, Report{address, state, view.looks[groupVersion] >= settledAfter})
		}
	}
	return reports
}

// look asks every kube-apiserver. One that cannot be asked says nothing.
func (f *Freshness) look(ctx context.Context) {
	clients, err := f.clients(ctx)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "looking at aggregated discovery")
		return
	}
	for address := range f.known() {
		if clients[address] == nil {
			f.forget(address)
		}
	}
	var asking sync.WaitGroup
	for address, client := range clients {
		asking.Go(func() {
			if err := f.ask(ctx, address, client); err != nil {
				ctrl.LoggerFrom(ctx).Info("a kube-apiserver does not tell its aggregated discovery", "address", address,
					"error", err.Error())
				f.forget(address)
			}
		})
	}
	asking.Wait()
}

func (f *Freshness) known() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	etags := map[string]string{}
	for address, view := range f.views {
		etags[address] = view.etag
	}
	return etags
}

func (f *Freshness) forget(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.views, address)
}

func (f *Freshness) ask(ctx context.Context, address string, client *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, servedTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/apis", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", acceptAggregated)
	if etag := f.known()[address]; etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusNotModified:
		f.see(address, "", nil)
		return nil
	case http.StatusOK:
	default:
		return fmt.Errorf("answered %s", response.Status)
	}
	document := apidiscoveryv2.APIGroupDiscoveryList{}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxDocument)).Decode(&document); err != nil {
		return err
	}
	f.see(address, response.Header.Get("ETag"), statesOf(document))
	return nil
}

func statesOf(document apidiscoveryv2.APIGroupDiscoveryList) map[schema.GroupVersion]VersionState {
	states := map[schema.GroupVersion]VersionState{}
	for _, group := range document.Items {
		for _, version := range group.Versions {
			states[schema.GroupVersion{Group: group.Name, Version: version.Version}] = VersionState{
				Stale: version.Freshness == apidiscoveryv2.DiscoveryFreshnessStale,
				Empty: len(version.Resources) == 0,
			}
		}
	}
	return states
}

// see notes what a kube-apiserver says; no states mean the same as before.
func (f *Freshness) see(address, etag string, states map[schema.GroupVersion]VersionState) {
	for _, groupVersion := range f.note(address, etag, states) {
		f.changed(groupVersion)
	}
}

// note returns what has settled just now, or is settled no more.
func (f *Freshness) note(
	address, etag string, states map[schema.GroupVersion]VersionState,
) (news []schema.GroupVersion) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.views[address]
	if before == nil {
		before = &view{}
	}
	if states == nil {
		etag, states = before.etag, before.states
	}
	looks := map[schema.GroupVersion]int{}
	for groupVersion, state := range states {
		earlier, known := before.states[groupVersion]
		looks[groupVersion] = 1
		if known && earlier == state {
			looks[groupVersion] = min(before.looks[groupVersion]+1, settledAfter)
		}
		settled, wasSettled := looks[groupVersion] == settledAfter, before.looks[groupVersion] == settledAfter
		if settled != wasSettled && (!state.isGood() || !earlier.isGood()) {
			news = append(news, groupVersion)
		}
	}
	f.views[address] = &view{etag, states, looks}
	return news
}
