// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"bytes"
	"reflect"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// AggregatorTimeout is how long kube-apiserver waits for an answer to discovery: in the availability check
// (kube-aggregator pkg/controllers/status/remote), the discovery fetch (pkg/apiserver/handler_discovery.go) and the
// proxy (k8s.io/apiserver pkg/util/proxy).
const AggregatorTimeout = 5 * time.Second

// Target says what to probe for one ExtensionAPI.
type Target struct {
	// GroupVersions are asked for at every replica.
	GroupVersions []schema.GroupVersion
	// Registered are the group-versions that are asked for through kube-apiserver, too.
	Registered []schema.GroupVersion
	// Replicas are asked straight.
	Replicas []Replica
	// Service is the address (host:port) of the Service in front of them, empty when it has none of its own.
	Service string
	// ServerName is what the serving certificate must be valid for.
	ServerName string
	// CABundle are the authorities (PEM) that the serving certificate is verified with.
	CABundle []byte
	// Awaited tells that something is held up until all answers are good, so that a failure must not wait for the next
	// round.
	Awaited bool
	Policy
}

// Replica is one of the server's endpoints.
type Replica struct {
	endpoints.Endpoint
	// Ejected tells that no requests are sent to it, and Why. Nobody waits for its recovery.
	Ejected bool
	Why     string
}

// Policy is what samples are judged by.
type Policy struct {
	// Interval is the time between two rounds.
	Interval time.Duration
	// Limit is the longest good latency; from Warning on it is near the limit.
	Limit, Warning time.Duration
	// FailureThreshold and SuccessThreshold are how many bad or good samples in a row turn a standing.
	FailureThreshold, SuccessThreshold int
}

// timeout is how long an answer is waited for. One that is only just too slow can be told from one that hangs.
func (p Policy) timeout() time.Duration { return max(p.Limit, AggregatorTimeout) + timeoutMargin }

// limitOf is the longest good latency of a document. Only kube-apiserver asks for those that speak of all
// group-versions.
func (p Policy) limitOf(document Document) time.Duration {
	if document == DocumentGroupVersion {
		return p.Limit
	}
	return AggregatorTimeout
}

// Direct returns what is asked without kube-apiserver between.
func (t Target) Direct() []Key {
	var keys []Key
	for _, replica := range t.Replicas {
		keys = append(keys, documentAt(replica.Endpoint, DocumentAPIs), documentAt(replica.Endpoint, DocumentOpenAPI))
	}
	for _, groupVersion := range t.GroupVersions {
		for _, replica := range t.Replicas {
			keys = append(keys, AtEndpoint(replica.Endpoint, groupVersion))
		}
		if t.Service != "" && len(t.Replicas) > 0 {
			keys = append(keys, AtService(t.Service, groupVersion))
		}
	}
	return keys
}

// through returns what is asked through kube-apiservers of these addresses.
func (t Target) through(kubeAPIServers []string) []Key {
	var keys []Key
	for _, groupVersion := range t.Registered {
		for _, address := range kubeAPIServers {
			keys = append(keys, ThroughKubeAPIServer(address, groupVersion))
		}
	}
	return keys
}

// requests is how many a whole round sends, with that many kube-apiservers.
func (t Target) requests(kubeAPIServers int) int {
	return len(t.Direct()) + len(t.Registered)*kubeAPIServers
}

// isEjected tells whether a key asks a replica that gets no requests.
func (t Target) isEjected(key Key) bool {
	return slices.ContainsFunc(t.Replicas, func(r Replica) bool { return r.Ejected && key.isOf(r.Endpoint) })
}

// SameTrust tells whether both targets verify the server in the same way.
func (t Target) SameTrust(other Target) bool {
	return t.ServerName == other.ServerName && bytes.Equal(t.CABundle, other.CABundle)
}

// has tells whether the target still has the group-version and the replica that were asked for.
func (t Target) has(key Key) bool {
	return (key.GroupVersion.Empty() || slices.Contains(t.GroupVersions, key.GroupVersion)) &&
		(key.View != ViewEndpoint || slices.ContainsFunc(t.Replicas, func(replica Replica) bool {
			return key.isOf(replica.Endpoint)
		}))
}

// asksAs tells whether both targets ask and judge in the same way, however much anybody waits for it.
func (t Target) asksAs(other Target) bool {
	t.Awaited = other.Awaited
	return reflect.DeepEqual(t, other)
}
