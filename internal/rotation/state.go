// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"crypto/x509"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const (
	// TrustDwell is the minimum time for kube-apiserver to load a caBundle, which nothing reports.
	TrustDwell = 2 * time.Minute
	// trustDwellEach is that time for each APIService: one worker loads them all, and each may block it for 60 seconds
	// (kube-aggregator pkg/apiserver/apiserver.go and pkg/controllers/openapi: the download of OpenAPI v2).
	trustDwellEach = time.Minute
	// UnreachableDwell is the time for a Pod that cannot be reached to serve a new certificate: the kubelet updates a
	// Secret within 90 seconds, and servers built on k8s.io/apiserver check their files every minute.
	UnreachableDwell = 10 * time.Minute
)

// Phase is what a change waits for, empty if none is in progress. It is the same as in the status.
type Phase = v1alpha1.RotationPhase

// State is the stored state.
type State struct {
	// Bundle contains the CAs (PEM) that every APIService should have.
	Bundle []byte
	// Serving is the key pair that the Pods mount.
	Serving pki.KeyPair
	Record  Record
}

// Record is what cannot be observed in the cluster. Losing it costs time, not requests.
type Record struct {
	// Announced is since when every APIService has had a CA, by fingerprint.
	Announced map[string]time.Time `json:"announced,omitempty"`
	// Served is the fingerprint of the serving certificate that every Pod has been observed to serve; with NextTrust, that
	// of the CAs that verify what every replica has been observed to serve.
	Served string `json:"served,omitempty"`
	Phase  Phase  `json:"phase,omitempty"`
	// Since is when Phase began, or, while it is AwaitingServed, when the serving certificate was last replaced.
	Since time.Time `json:"since,omitzero"`
}

// Desired is what should eventually be served.
type Desired struct {
	// Host is the DNS name that the serving certificate must be valid for.
	Host string
	// Authorities are the CAs that need to be trusted for it.
	Authorities []*x509.Certificate
	// Replace is why the stored serving certificate must be replaced, empty if it is the wanted one.
	Replace string
	// Issue returns the serving certificate to replace it with.
	Issue func() (pki.KeyPair, error)
}

// Observed is the observed state of the cluster.
type Observed struct {
	// CABundles are the CA bundles of the APIServices.
	CABundles [][]byte
	// Pods returns all Pods that may receive requests, including terminating ones. It is called only while a change is in
	// progress.
	Pods func() []Pod
}

// Pod is what one Pod serves.
type Pod struct {
	Name string
	// Chain is the served chain, the leaf certificate first.
	Chain []*x509.Certificate
	// Err is why the served chain could not be read.
	Err error
}

// Plan is what to store, and what to wait for. Store the record last, as it refers to the rest of the state.
type Plan struct {
	State
	// Replaced is why the serving certificate was replaced, empty if it was not.
	Replaced string
	// Waiting is what the rotation waits for, and Next what follows. Both are empty if it waits for nothing.
	Waiting, Next string
	// Stuck is true if the wait takes much longer than it should.
	Stuck bool
	// CheckAfter is the time to the next check, zero if the rotation waits for nothing.
	CheckAfter time.Duration
}
