// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"crypto/x509"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// Stored is what is in the Secrets.
type Stored struct {
	State
	Signer pki.KeyPair
}

// Source is where the serving certificate comes from, and what it should be.
type Source struct {
	Desired
	// Signer is the operator's own CA, without a key where another owner issues.
	Signer pki.KeyPair
	// Secret is where another owner puts the certificate, empty where the operator issues it.
	Secret string
	// Renew is what that owner can do, and Pending what it is still working on, empty where it is not.
	Renew, Pending string
	// Renewal returns when a certificate will be renewed, nil where another owner renews it.
	Renewal func(leaf *x509.Certificate) time.Time
	// Changes returns when something is to be done or reported next, by itself.
	Changes func(served Served) time.Time
}

// Due is when a certificate that is not renewed is reported: when it would have been renewed, or is near its end.
func (source Source) Due(served Served) time.Time {
	due := served.Warning()
	if source.Renewal == nil {
		return due
	}
	if renewal := source.Renewal(served.Leaf()); renewal.Before(due) {
		return renewal
	}
	return due
}

// maxExpiryWarning bounds how long before its expiry a warning is given of a certificate that another owner renews.
const maxExpiryWarning = 30 * 24 * time.Hour

// Served is the certificate that the Pods are given, and until when it is accepted.
type Served struct {
	// Chain has the serving certificate first; it is empty when there is none that can be read.
	Chain []*x509.Certificate
	// Until is when it, or a CA above it, expires; zero when it is not accepted now.
	Until time.Time
}

// ServedFrom returns what Pods are given from a state.
func ServedFrom(state State, host string, now time.Time) Served {
	chain, err := cert.ParseCertsPEM(state.Serving.Certificate)
	if err != nil {
		return Served{}
	}
	return Served{chain, pki.Expiry(chain, pki.Extend(nil, state.Bundle, now), host, now)}
}

// Leaf is nil when there is none.
func (s Served) Leaf() *x509.Certificate {
	if len(s.Chain) == 0 {
		return nil
	}
	return s.Chain[0]
}

// Warning is when it is time to warn of what another owner should have renewed: a fifth of the certificate's life
// before its end, 30 days at most. cert-manager renews when a third is left.
func (s Served) Warning() time.Time {
	life := s.Leaf().NotAfter.Sub(s.Leaf().NotBefore)
	return s.Until.Add(-min(life/5, maxExpiryWarning))
}

// NextWarning is when its expiry is reported differently.
func (s Served) NextWarning(now time.Time) time.Time {
	if warning := s.Warning(); now.Before(warning) {
		return warning
	}
	return s.Until
}
