// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "time"

// What the schema fills in; a test compares the two. Code falls back on these where a field is not set all the same.
const (
	// DefaultReplicas is the least number of Pods with which a rollout loses no request.
	DefaultReplicas = 2
	// DefaultDiscoveryLimit is the limit of kube-apiserver itself.
	DefaultDiscoveryLimit = 5 * time.Second
	// DefaultDiscoveryInterval is that of kube-apiserver's own availability check.
	DefaultDiscoveryInterval = 30 * time.Second
	// DefaultFailureThreshold tells a lasting failure from a disturbance, as kubelet's probes do.
	DefaultFailureThreshold = 3
	// DefaultSuccessThreshold keeps one lucky answer from counting as a recovery.
	DefaultSuccessThreshold = 2
	// DefaultWarningPercent leaves as much time again until it hurts.
	DefaultWarningPercent = 50
	// DefaultValidity is the validity of a serving certificate. Its key lies in the server's namespace, so it is short;
	// its renewal is routine and restarts nothing.
	DefaultValidity = 90 * 24 * time.Hour
	// DefaultCAValidity is the validity of a certificate authority. Its key never leaves the operator's namespace, and
	// every kube-apiserver has to learn of a new one, so it is long.
	DefaultCAValidity = 10 * 365 * 24 * time.Hour
)
