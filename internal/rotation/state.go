// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"crypto/x509"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const (
	// TrustDwell is how long kube-apiserver is given to load a caBundle, at least. Nothing reports it.
	TrustDwell = 2 * time.Minute
	// trustDwellEach is how long it is given for each APIService: one worker loads them all, and each may hold it for 60
	// seconds (kube-aggregator pkg/apiserver/apiserver.go and pkg/controllers/openapi: the download of OpenAPI v2).
	trustDwellEach = time.Minute
	// UnseenDwell is how long a Pod that cannot be reached is given to serve a new certificate: the kubelet updates a
	// Secret within 90 seconds, and servers built on k8s.io/apiserver look at their files each minute.
	UnseenDwell = 10 * time.Minute
)

// Phase is what a change waits for, empty when there is none under way. Status tells the same.
type Phase = v1alpha1.RotationPhase

// State is what is stored.
type State struct {
	// Bundle holds the authorities (PEM) that every APIService should carry.
	Bundle []byte
	// Serving is what the Pods mount.
	Serving pki.KeyPair
	Record  Record
}

// Record is what cannot be seen in the cluster. A lost one costs time, not requests.
type Record struct {
	// Announced is since when every APIService has carried an authority, by its fingerprint.
	Announced map[string]time.Time `json:"announced,omitempty"`
	// Served is the fingerprint of the serving certificate that every Pod has been seen to serve.
	Served string `json:"served,omitempty"`
	Phase  Phase  `json:"phase,omitempty"`
	// Since is when Phase began, and when the serving certificate was replaced last while it is AwaitingServed.
	Since time.Time `json:"since,omitzero"`
}

// Wanted is what should be served in the end.
type Wanted struct {
	// Host is what the serving certificate must be valid for.
	Host string
	// Authorities are all that need to be trusted for it.
	Authorities []*x509.Certificate
	// Replace says why the stored serving certificate must be replaced, empty when it is the wanted one.
	Replace string
	// Issue returns the serving certificate to replace it with.
	Issue func() (pki.KeyPair, error)
}

// Seen is what was seen in the cluster.
type Seen struct {
	// CABundles are those of the APIServices.
	CABundles [][]byte
	// Pods returns all that may have requests sent to them, terminating ones included. It is called only while a change
	// is under way.
	Pods func() []Pod
}

// Pod is what one Pod serves.
type Pod struct {
	Name string
	// Chain is what it served, its certificate first.
	Chain []*x509.Certificate
	// Err says why the Pod could not be asked.
	Err error
}

// Plan is what to store, and what is waited for. The record speaks of what has been stored before it.
type Plan struct {
	State
	// Replaced says why the serving certificate was replaced, empty when it was not.
	Replaced string
	// Waiting says what is waited for, and Next what comes after it. Both are empty when nothing is.
	Waiting, Next string
	// Stuck tells that what is waited for takes much longer than it should.
	Stuck bool
	// CheckAfter is the time to the next look, zero when nothing is waited for.
	CheckAfter time.Duration
}
