// SPDX-License-Identifier: Apache-2.0

package limits

import "time"

// Probes that run at the same time.
const (
	// ProbesInFlight is how many run at the same time, of all ExtensionAPIs together, beside those that are reserved.
	// Each costs a connection and its buffers.
	ProbesInFlight = 512
	// ProbesInFlightOfOne is how many of one ExtensionAPI run at the same time. Those of a server with ten replicas and
	// five group-versions end within two turns.
	ProbesInFlightOfOne = 64
	// ProbesReserved is how many of these each ExtensionAPI may always run, so that servers that hang, and hold
	// ProbesInFlight for that, delay no other.
	ProbesReserved = 4
	// TimeoutsInARow is after how many requests without an answer in time an address is left alone for the rest of a
	// round: the other group-versions of a server that hangs would only show the same, seconds later each.
	TimeoutsInARow = 8
	// DialsOfRequest is how many attempts to connect one request makes, up to the moment at which TCP itself repeats the
	// first one.
	DialsOfRequest = 5
)

// Probes over time.
const (
	// ProbesOfRound is how many requests one round of an ExtensionAPI sends straight to its server: a round with all of
	// them stays below a minute at ProbesPerSecond. It is 1,365 replicas with one group-version, or 14 with 256.
	ProbesOfRound = 4096
	// ProbesPerSecond is how many requests are sent for one ExtensionAPI; a server with ten replicas and five
	// group-versions gets as many at an interval of 1 s. Where a round has more, the interval is longer.
	ProbesPerSecond = 100
	// KubeAPIServers is through how many kube-apiservers discovery is probed: more than any control plane has.
	KubeAPIServers = 16
	// Samples is how many samples of each key are kept: 50 minutes at the default interval.
	Samples = 100
	// TokenRetry is the least time between two requests for a token because one was refused, as a server may refuse every
	// one that it is shown.
	TokenRetry = 10 * time.Second
	// StuckFor is how long no round at all may have begun, although one was due of each ExtensionAPI, until the operator
	// is restarted. No server can cause that: each request ends with its time-out.
	StuckFor = 5 * time.Minute
)

// EndpointSlices is how many of a Service that is not the operator's are read. Whoever may write in its namespace can
// make any number of them, of up to 1.5 MiB each; Kubernetes' own controller puts 100 endpoints into each.
const EndpointSlices = 16

const (
	// redialGap is the time between two changes of the comment that has kube-apiserver reconnect.
	redialGap = 5 * time.Second
	// redialGapOfEach is what each APIService adds to it: 20 writes a second.
	redialGapOfEach = 50 * time.Millisecond
)

// RedialGap is the least time between two changes that have kube-apiserver reconnect, which are written into each of so
// many APIServices. It is in whole seconds, as the times in the comment are.
//
// A Pod that ends is followed 5 s later, or a gap after the change before. Up to 100 APIServices that is within 10 s,
// and up to 180 still while the preStop sleep of 15 s lasts.
func RedialGap(apiServices int) time.Duration {
	gap := time.Duration(apiServices) * redialGapOfEach
	return max(redialGap, (gap + time.Second - 1).Truncate(time.Second))
}
