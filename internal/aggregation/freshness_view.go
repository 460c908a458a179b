// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
)

const (
	// settledAfter is how many looks in a row must see the same before it counts: a group-version is Stale for a moment
	// after it was registered.
	settledAfter = 4
	// keptFor bounds how long a kube-apiserver is taken at its last word while it says nothing.
	keptFor = 5 * time.Minute
)

// Report is what one kube-apiserver has said of a group-version.
type Report struct {
	// KubeAPIServer is its address (host:port).
	KubeAPIServer string
	// Stale tells that it could not get the group-version from the server, and Empty that it knows of no resource in it.
	// Each counts when it was so at each of the last looks, for about two minutes.
	Stale, Empty bool
	// Settled tells that there were enough looks to know both.
	Settled bool
}

// document is a kube-apiserver's aggregated discovery.
type document struct {
	etag   string
	states map[schema.GroupVersion]state
}

// state is what a document says of a group-version.
type state struct{ stale, empty bool }

func newDocument(etag string, body []byte) (document, error) {
	list := apidiscoveryv2.APIGroupDiscoveryList{}
	if err := json.Unmarshal(body, &list); err != nil {
		return document{}, fmt.Errorf("its answer is no discovery document: %w", err)
	}
	if list.Kind != "APIGroupDiscoveryList" {
		return document{}, fmt.Errorf("its answer is a %q instead of an APIGroupDiscoveryList", list.Kind)
	}
	states := map[schema.GroupVersion]state{}
	for _, group := range list.Items {
		for _, version := range group.Versions {
			states[schema.GroupVersion{Group: group.Name, Version: version.Version}] = state{
				stale: version.Freshness == apidiscoveryv2.DiscoveryFreshnessStale,
				empty: len(version.Resources) == 0,
			}
		}
	}
	return document{etag, states}, nil
}

// run counts the last looks in a row that saw a group-version, saw it stale, and saw it empty.
type run struct{ seen, stale, empty int }

func (r run) after(seen state) run {
	next := run{seen: r.seen + 1}
	if seen.stale {
		next.stale = r.stale + 1
	}
	if seen.empty {
		next.empty = r.empty + 1
	}
	return next
}

func (r run) report(kubeAPIServer string) Report {
	return Report{
		KubeAPIServer: kubeAPIServer,
		Stale:         r.stale >= settledAfter,
		Empty:         r.empty >= settledAfter,
		Settled:       r.seen >= settledAfter,
	}
}

// turned tells whether a reader would act on the difference: what was good and is not reported any more is no news.
func (r run) turned(before run) bool {
	is, was := r.report(""), before.report("")
	return is.Stale != was.Stale || is.Empty != was.Empty || is.Settled && !was.Settled
}

// view is what one kube-apiserver said last, when, and for how long it has said so.
type view struct {
	document document
	at       time.Time
	runs     map[schema.GroupVersion]run
}

func (v view) after(seen document, now time.Time) view {
	runs := map[schema.GroupVersion]run{}
	for groupVersion, state := range seen.states {
		runs[groupVersion] = v.runs[groupVersion].after(state)
	}
	return view{seen, now, runs}
}

// views are what the kube-apiservers have said, by their addresses. They are never changed, but replaced.
type views map[string]view

// after adds a look that brought these documents. A view without one stays for a while: a kube-apiserver that restarts
// would else take back what it has said for long, only to say it again two minutes later.
func (v views) after(documents map[string]document, now time.Time) views {
	next := views{}
	for address, view := range v {
		if now.Sub(view.at) < keptFor {
			next[address] = view
		}
	}
	for address, document := range documents {
		next[address] = next[address].after(document, now)
	}
	return next
}

// of returns what each says of a group-version that it knows, in the order of their addresses.
func (v views) of(groupVersion schema.GroupVersion) []Report {
	var reports []Report
	for _, address := range slices.Sorted(maps.Keys(v)) {
		if run, known := v[address].runs[groupVersion]; known {
			reports = append(reports, run.report(address))
		}
	}
	return reports
}

// turned returns the group-versions of which a reader would act on the difference.
func (v views) turned(before views) sets.Set[schema.GroupVersion] {
	found := sets.Set[schema.GroupVersion]{}
	for _, known := range []views{before, v} {
		for address, view := range known {
			for groupVersion := range view.runs {
				if v[address].runs[groupVersion].turned(before[address].runs[groupVersion]) {
					found.Insert(groupVersion)
				}
			}
		}
	}
	return found
}
