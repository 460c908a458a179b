// SPDX-License-Identifier: Apache-2.0

package limits

import "time"

// Concurrent probes.
const (
	// ProbesInFlight is the maximum number of concurrent probes of all ExtensionAPIs together, in addition to the reserved
	// ones. Each costs a connection and its buffers.
	ProbesInFlight = 512
	// ProbesInFlightOfOne is the maximum number of concurrent probes of one ExtensionAPI. A round of a server with ten
	// replicas and five group-versions takes two batches.
	ProbesInFlightOfOne = 64
	// ProbesReserved is how many probes each ExtensionAPI may always run, so that hanging servers, which may occupy all of
	// ProbesInFlight, do not delay others.
	ProbesReserved = 4
	// TimeoutsInARow is the number of consecutive timeouts after which an address is skipped for the rest of a round: the
	// other group-versions of a hanging server would only time out as well, each after seconds.
	TimeoutsInARow = 8
	// DialsOfRequest is how many attempts to connect one request makes, until TCP itself retransmits the first one.
	DialsOfRequest = 5
)

// Rates and intervals of probes.
const (
	// ProbesOfRound is the maximum number of requests that one round of an ExtensionAPI sends directly to its server: at
	// ProbesPerSecond such a round takes less than a minute. It allows 1,365 replicas with one group-version, or 14 with
	// 256.
	ProbesOfRound = 4096
	// ProbesPerSecond is the maximum rate of requests for one ExtensionAPI; a server with ten replicas and five
	// group-versions gets that many at an interval of 1 s. If a round has more requests, the interval is longer.
	ProbesPerSecond = 100
	// KubeAPIServers is the maximum number of kube-apiservers that discovery is probed through, more than any control
	// plane has.
	KubeAPIServers = 16
	// Samples is how many samples of each key are kept: 50 minutes at the default interval.
	Samples = 100
	// TokenRetry is the minimum time between two requests for a token after a rejection, as a server may reject every
	// token.
	TokenRetry = 10 * time.Second
	// StuckFor is how long the rounds of all ExtensionAPIs may be overdue before the operator is restarted. No server can
	// cause that: each request has a timeout.
	StuckFor = 5 * time.Minute
)

// EndpointSlices is how many EndpointSlices are read of a Service that the operator does not own. A user who may write
// in its namespace can create any number of them, of up to 1.5 MiB each; Kubernetes' own controller puts 100 endpoints
// into each.
const EndpointSlices = 16

// PodDisruptionBudgets is how many of them are read of a namespace in which an earlier server runs.
const PodDisruptionBudgets = 100

const (
	// reconnectInterval is the time between two changes of the comment that makes kube-apiserver reconnect.
	reconnectInterval = 5 * time.Second
	// reconnectIntervalOfEach is what each APIService adds to reconnectInterval: 20 writes a second.
	reconnectIntervalOfEach = 50 * time.Millisecond
)

// ReconnectInterval returns the minimum time between two changes that make kube-apiserver reconnect, which are written
// to each of that many APIServices. It is in whole seconds, like the times in the comment.
//
// The change for a terminating Pod follows 5 s later, or this interval after the previous change. With up to 100
// APIServices that is within 10 s, and with up to 180 within the preStop sleep of 15 s.
func ReconnectInterval(apiServices int) time.Duration {
	gap := time.Duration(apiServices) * reconnectIntervalOfEach
	return max(reconnectInterval, (gap + time.Second - 1).Truncate(time.Second))
}
