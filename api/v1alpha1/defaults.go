// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "time"

// Defaults in the schema; a test compares the two. Code falls back to these if a field is nevertheless not set.
const (
	// DefaultReplicas is the minimum number of Pods for rollouts that lose no request.
	DefaultReplicas = 2
	// DefaultControllerReplicas is one, as in a Deployment: a controller may have no leader election.
	DefaultControllerReplicas = 1
	// DefaultMaxEjectionPercent leaves at least half of the replicas, so that they can handle the load.
	DefaultMaxEjectionPercent = 50
	// DefaultDiscoveryLimit is the timeout of kube-apiserver itself.
	DefaultDiscoveryLimit = 5 * time.Second
	// DefaultDiscoveryInterval is the interval of kube-apiserver's own availability check.
	DefaultDiscoveryInterval = 30 * time.Second
	// DefaultFailureThreshold distinguishes a lasting failure from a transient one, like the kubelet's probes.
	DefaultFailureThreshold = 3
	// DefaultSuccessThreshold prevents a single success from counting as a recovery.
	DefaultSuccessThreshold = 2
	// DefaultWarningPercent leaves the same amount again until the limit.
	DefaultWarningPercent = 50
	// DefaultValidity is the validity of a serving certificate. Its key is in the server's namespace, so it is short; its
	// renewal is routine and restarts nothing.
	DefaultValidity = 90 * 24 * time.Hour
	// DefaultCAValidity is the validity of a CA. Its key never leaves the operator's namespace, and every kube-apiserver
	// has to load a new one, so it is long.
	DefaultCAValidity = 10 * 365 * 24 * time.Hour
)
