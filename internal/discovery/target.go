// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"bytes"
	"cmp"
	"errors"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// AggregatorTimeout is how long kube-apiserver waits for an answer to discovery: in the availability check
// (kube-aggregator pkg/controllers/status/remote), the discovery fetch (pkg/apiserver/handler_discovery.go) and the
// proxy (pkg/apiserver/handler_proxy.go).
const AggregatorTimeout = 5 * time.Second

// Target says what to probe for one ExtensionAPI.
type Target struct {
	// GroupVersions are asked for at every endpoint.
	GroupVersions []schema.GroupVersion
	// Registered are the group-versions that are asked for through kube-apiserver, too.
	Registered []schema.GroupVersion
	// Endpoints are the addresses (host:port) of the ready replicas.
	Endpoints []string
	// Service is the address (host:port) of the Service in front of them, empty when it has none of its own.
	Service string
	// ServerName is what the serving certificate must be valid for.
	ServerName string
	// CABundle are the authorities (PEM) that the serving certificate is verified with.
	CABundle []byte
	// Interval is the time between two rounds.
	Interval time.Duration
	Policy
}

// View is a way to look at discovery.
type View string

const (
	// ViewKubeAPIServer asks through a kube-apiserver, as clients do.
	ViewKubeAPIServer View = "kube-apiserver"
	// ViewService asks at the Service's address, which shows whether the cluster's network sends requests on already.
	ViewService View = "service"
	// ViewEndpoint asks one replica, without anything between.
	ViewEndpoint View = "endpoint"
)

// Key names a sample.
type Key struct {
	View View
	// Address is the host:port of the kube-apiserver, the Service or the replica.
	Address      string
	GroupVersion schema.GroupVersion
}

// Sample is the outcome of one discovery request.
type Sample struct {
	// Latency is the time from sending the request to the end of the answer, or to the failure.
	Latency time.Duration
	// Timing tells where it went.
	Timing Timing
	// Resources is the number of resources in the answer.
	Resources int
	// Err says why the request failed.
	Err error
}

// isBad tells whether the request failed or took too long.
func (s Sample) isBad(limit time.Duration) bool { return s.Err != nil || s.Latency > limit }

// CompareBadness orders quick answers before slow ones, and answers before failures.
func CompareBadness(a, b Sample) int {
	if failed := b.Err != nil; (a.Err != nil) != failed {
		if failed {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Latency, b.Latency)
}

// Results are samples by what they are of.
type Results map[Key]Sample

// Passes tells whether every kube-apiserver that was asked for the group-version passes requests on to the server. One
// that cannot be reached from here says nothing about that.
func (r Results) Passes(groupVersion schema.GroupVersion) bool {
	asked := false
	for key, sample := range r {
		if key.View != ViewKubeAPIServer || key.GroupVersion != groupVersion {
			continue
		}
		asked = true
		if failure, failed := errors.AsType[*ProbeError](sample.Err); failed && failure.answered() {
			return false
		}
	}
	return asked
}

// Round is what was probed at one time, and what came of it.
type Round struct {
	Target  Target
	Results Results
	// Records are what is known of the same keys from this and earlier rounds.
	Records map[Key]Record
}

// Moved tells whether a sample differs from an earlier one so much that it should be told: it failed or succeeded when
// the other did not, crossed the limit or that of kube-apiserver, or moved by more than a tenth of the limit.
func Moved(before, after Sample, limit time.Duration) bool {
	if errorText(before.Err) != errorText(after.Err) {
		return true
	}
	// How long a failed request took says little: a refused connection, or the time-out.
	if after.Err != nil {
		return false
	}
	return LatencyMoved(before.Latency, after.Latency, limit)
}

// LatencyMoved tells whether a latency crossed the limit or that of kube-apiserver, or moved by more than a tenth of
// the limit.
func LatencyMoved(before, after, limit time.Duration) bool {
	return crosses(before, after, limit) || crosses(before, after, AggregatorTimeout) ||
		(after-before).Abs() > max(limit/10, noise)
}

func crosses(before, after, limit time.Duration) bool { return (before > limit) != (after > limit) }

// noise is what a busy machine adds to any latency; a small limit must not make it news.
const noise = 50 * time.Millisecond

// moved tells whether a round differs from an earlier one in what it probed, or in any sample that moved.
func (r Round) moved(before Round) bool {
	if !reflect.DeepEqual(before.Target, r.Target) {
		return true
	}
	for key, sample := range r.Results {
		earlier, found := before.Results[key]
		if !found || Moved(earlier, sample, r.Target.Limit) || before.Records[key].Standing != r.Records[key].Standing {
			return true
		}
	}
	return len(before.Results) != len(r.Results)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// direct returns what is asked without kube-apiserver between.
func (t Target) direct() []Key {
	var keys []Key
	for _, groupVersion := range t.GroupVersions {
		for _, address := range t.Endpoints {
			keys = append(keys, Key{ViewEndpoint, address, groupVersion})
		}
		if t.Service != "" && len(t.Endpoints) > 0 {
			keys = append(keys, Key{ViewService, t.Service, groupVersion})
		}
	}
	return keys
}

// SameTrust tells whether both targets verify the server in the same way.
func (t Target) SameTrust(other Target) bool {
	return t.ServerName == other.ServerName && bytes.Equal(t.CABundle, other.CABundle)
}
