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

func readDocument(response *http.Response) (document, error) {
	body, err := documents.Body(response)
	if err != nil {
		return document{}, err
	}
	states, err := readStates(body)
	return document{response.Header.Get("ETag"), states}, err
}

// readStates reads aggregated discovery, in which there is a group-version for each APIService.
func readStates(body io.Reader) (map[schema.GroupVersion]state, error) {
	states := map[schema.GroupVersion]state{}
	kind, err := documents.EachVersion(body, limits.ClusterDiscovery, func(version documents.Version) error {
		states[version.GroupVersion] = state{stale: version.Stale, empty: version.Resources == 0}
		if len(states) > limits.GroupVersions {
			return fmt.Errorf("answered with more than %d group-versions", limits.GroupVersions)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if kind != "APIGroupDiscoveryList" {
		return nil, fmt.Errorf("its answer is a %q instead of an APIGroupDiscoveryList", excerpt.Of(kind, maxKind))
	}
	return states, nil
}

// maxKind is how much of a wrong kind is repeated.
const maxKind = 64

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
