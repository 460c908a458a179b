// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"crypto/x509"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// maxExpiryWarning bounds how long before its expiry a certificate is warned of that somebody else has to renew.
const maxExpiryWarning = 30 * 24 * time.Hour

// served is the certificate that the Pods are given, and until when it is accepted.
type served struct {
	// chain has the serving certificate first; it is empty when there is none that can be read.
	chain []*x509.Certificate
	// until is when it, or an authority above it, expires; zero when it is not accepted now.
	until time.Time
}

func servedOf(state rotation.State, host string, now time.Time) served {
	chain, err := cert.ParseCertsPEM(state.Serving.Certificate)
	if err != nil {
		return served{}
	}
	return served{chain, pki.Expiry(chain, pki.Extend(nil, state.Bundle, now), host, now)}
}

// leaf is nil when there is none.
func (s served) leaf() *x509.Certificate {
	if len(s.chain) == 0 {
		return nil
	}
	return s.chain[0]
}

// warning is when it is time to warn of what somebody else should have renewed: a fifth of the certificate's life
// before its end, 30 days at most. cert-manager renews when a third is left.
func (s served) warning() time.Time {
	life := s.leaf().NotAfter.Sub(s.leaf().NotBefore)
	return s.until.Add(-min(life/5, maxExpiryWarning))
}

// nextWarning is when there is something else to be told of its expiry.
func (s served) nextWarning(now time.Time) time.Time {
	if warning := s.warning(); now.Before(warning) {
		return warning
	}
	return s.until
}
