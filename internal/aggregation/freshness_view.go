// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

const (
	// settledAfter is how many consecutive polls must agree before a state counts: a group-version is Stale for a moment
	// after it was registered.
	settledAfter = 4
	// keptFor is how long the last response of a kube-apiserver is used while there is no new one.
	keptFor = 5 * time.Minute
)

// Report is the state of a group-version in the aggregated discovery of one kube-apiserver.
type Report struct {
	// KubeAPIServer is its address (host:port).
	KubeAPIServer string
	// Stale means that it could not fetch the group-version from the server, and Empty that it lists no resource in it.
	// Each is set only if it held at each of the last polls, for about two minutes.
	Stale, Empty bool
	// Settled means that there were enough polls to know both.
	Settled bool
}

// document is a kube-apiserver's aggregated discovery.
type document struct {
	etag   string
	states map[schema.GroupVersion]State
}

// State is the state of a group-version in aggregated discovery: whether it is marked Stale, and whether it lists no
// resource.
type State struct{ Stale, Empty bool }

func readDocument(response *http.Response) (document, error) {
	body, err := documents.Body(response)
	if err != nil {
		return document{}, err
	}
	states, err := readStates(body)
	return document{response.Header.Get("ETag"), states}, err
}

// readStates reads aggregated discovery, which has a group-version for each APIService.
func readStates(body io.Reader) (map[schema.GroupVersion]State, error) {
	states := map[schema.GroupVersion]State{}
	kind, err := documents.EachVersion(body, limits.ClusterDiscovery, func(version documents.Version) error {
		states[version.GroupVersion] = State{Stale: version.Stale, Empty: version.Resources == 0}
		if len(states) > limits.GroupVersions {
			return fmt.Errorf("answered with more than %d group-versions", limits.GroupVersions)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if kind != "APIGroupDiscoveryList" {
		return nil, fmt.Errorf("the response is a %q instead of an APIGroupDiscoveryList", excerpt.Of(kind, maxKind))
	}
	return states, nil
}

// maxKind is how many bytes of a wrong kind are quoted.
const maxKind = 64

// run counts the last consecutive polls in which a group-version was listed, stale, and empty.
type run struct{ seen, stale, empty int }

func (r run) after(seen State) run {
	next := run{seen: r.seen + 1}
	if seen.Stale {
		next.stale = r.stale + 1
	}
	if seen.Empty {
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

// changedFrom reports whether the difference is relevant to a reader: that a good group-version is no longer reported
// is not.
func (r run) changedFrom(before run) bool {
	is, was := r.report(""), before.report("")
	return is.Stale != was.Stale || is.Empty != was.Empty || is.Settled && !was.Settled
}

// view is the last response of one kube-apiserver, when it came, and for how many polls each state has lasted.
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

// views holds the view of each kube-apiserver by address. It is never modified, but replaced.
type views map[string]view

// after adds a poll that returned these documents. A view without one is kept for a while: otherwise a kube-apiserver
// that restarts would withdraw a lasting state, only to report it again two minutes later.
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

// of returns the reports for a group-version of all kube-apiservers that list it, ordered by address.
func (v views) of(groupVersion schema.GroupVersion) []Report {
	var reports []Report
	for _, address := range slices.Sorted(maps.Keys(v)) {
		if run, known := v[address].runs[groupVersion]; known {
			reports = append(reports, run.report(address))
		}
	}
	return reports
}

// changedFrom returns the group-versions with a difference that is relevant to a reader.
func (v views) changedFrom(before views) sets.Set[schema.GroupVersion] {
	found := sets.Set[schema.GroupVersion]{}
	for _, known := range []views{before, v} {
		for address, view := range known {
			for groupVersion := range view.runs {
				if v[address].runs[groupVersion].changedFrom(before[address].runs[groupVersion]) {
					found.Insert(groupVersion)
				}
			}
		}
	}
	return found
}
