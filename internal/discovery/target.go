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

// AggregatorTimeout is the timeout of kube-apiserver's discovery requests: in the availability check (kube-aggregator
// pkg/controllers/status/remote), the discovery fetch (pkg/apiserver/handler_discovery.go) and the proxy
// (k8s.io/apiserver pkg/util/proxy).
const AggregatorTimeout = 5 * time.Second

// Target is what to probe for one ExtensionAPI.
type Target struct {
	// GroupVersions are probed at every replica.
	GroupVersions []schema.GroupVersion
	// Registered are the group-versions that are also probed through kube-apiserver.
	Registered []schema.GroupVersion
	// Replicas are probed directly.
	Replicas []Replica
	// Service is the address (host:port) of the Service in front of them, empty if it has no ClusterIP.
	Service string
	// ServerName is the DNS name that the serving certificate must be valid for.
	ServerName string
	// CABundle is the CA bundle (PEM) that the serving certificate is verified with.
	CABundle []byte
	// Awaited is true if something is blocked until all probes succeed, so that a failure is retried before the next
	// round.
	Awaited bool
	// Replaced is true while the stand-in serves discovery: then a recovery is noticed within 2 seconds.
	Replaced bool
	Policy
}

// Replica is one of the server's endpoints.
type Replica struct {
	endpoints.Endpoint
	// Since is when it became ready or one of its containers started, whichever was last, in Unix seconds; 0 if unknown.
	// What was observed of an earlier run does not count for or against it.
	Since int64
	// Ejected is true if the replica gets no requests, and Why is the reason. Its recovery is not urgent.
	Ejected bool
	Why     string
}

// Policy holds the thresholds that samples are judged by.
type Policy struct {
	// Interval is the time between two rounds.
	Interval time.Duration
	// Limit is the longest good latency; a latency of at least Warning is near the limit.
	Limit, Warning time.Duration
	// FailureThreshold and SuccessThreshold are the numbers of consecutive bad or good samples that change a standing.
	FailureThreshold, SuccessThreshold int
}

// timeout is the timeout of a request. Its margin distinguishes a response that is just too slow from one that hangs.
func (p Policy) timeout() time.Duration { return max(p.Limit, AggregatorTimeout) + timeoutMargin }

// limitOf returns the longest good latency of a document. Only kube-apiserver requests those that cover all
// group-versions.
func (p Policy) limitOf(document Document) time.Duration {
	if document == DocumentGroupVersion {
		return p.Limit
	}
	return AggregatorTimeout
}

// Direct returns the keys that are probed without kube-apiserver.
func (t Target) Direct() []Key {
	var keys []Key
	for _, replica := range t.Replicas {
		keys = append(keys, documentAt(replica, DocumentAPIs), documentAt(replica, DocumentOpenAPI))
	}
	for _, groupVersion := range t.GroupVersions {
		for _, replica := range t.Replicas {
			keys = append(keys, AtEndpoint(replica, groupVersion))
		}
		if t.Service != "" && len(t.Replicas) > 0 {
			keys = append(keys, AtService(t.Service, groupVersion))
		}
	}
	return keys
}

// through returns the keys that are probed through the kube-apiservers of these addresses.
func (t Target) through(kubeAPIServers []string) []Key {
	var keys []Key
	for _, groupVersion := range t.Registered {
		for _, address := range kubeAPIServers {
			keys = append(keys, ThroughKubeAPIServer(address, groupVersion))
		}
	}
	return keys
}

// requests returns the number of requests in a full round, with that many kube-apiservers.
func (t Target) requests(kubeAPIServers int) int {
	return len(t.Direct()) + len(t.Registered)*kubeAPIServers
}

// isEjected reports whether a key probes an ejected replica.
func (t Target) isEjected(key Key) bool {
	return slices.ContainsFunc(t.Replicas, func(r Replica) bool { return r.Ejected && key.isOf(r.Endpoint) })
}

// isOfEarlierRun reports whether a key is of a replica that was restarted, or became ready again, since then.
func (t Target) isOfEarlierRun(key Key) bool {
	return slices.ContainsFunc(t.Replicas, func(r Replica) bool { return key.isOf(r.Endpoint) && key.Since != r.Since })
}

// SameTrust reports whether both targets verify the server by the same name and CA bundle.
func (t Target) SameTrust(other Target) bool {
	return t.ServerName == other.ServerName && bytes.Equal(t.CABundle, other.CABundle)
}

// has reports whether the target still has the group-version and the replica of a key.
func (t Target) has(key Key) bool {
	return (key.GroupVersion.Empty() || slices.Contains(t.GroupVersions, key.GroupVersion)) &&
		(key.View != ViewEndpoint || slices.ContainsFunc(t.Replicas, func(replica Replica) bool {
			return key.isOf(replica.Endpoint)
		}))
}

// probesLike reports whether both targets are probed and judged in the same way, whether or not they are awaited.
func (t Target) probesLike(other Target) bool {
	t.Awaited, t.Replaced = other.Awaited, other.Replaced
	return reflect.DeepEqual(t, other)
}

// probesDirectlyLike reports whether both targets are probed in the same way, except through kube-apiserver.
func (t Target) probesDirectlyLike(other Target) bool {
	t.Registered = other.Registered
	return t.probesLike(other)
}
