// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"crypto/tls"
	"math/rand/v2"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// Certificate says what is wrong with a serving certificate.
type Certificate string

const (
	// Untrusted is from an authority that nobody knows.
	Untrusted Certificate = "Untrusted"
	// OtherName is for another name. Clients complain of that before they look for an authority.
	OtherName Certificate = "OtherName"
	// Expired was valid until an hour before the genuine one. Clients complain of that first.
	Expired Certificate = "Expired"
	// Changing is the genuine one in every other handshake, more or less, and in the others a new one from an authority
	// that nobody knows.
	Changing Certificate = "Changing"
)

// GetCertificate returns the certificate for a TLS handshake (crypto/tls.Config).
type GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// TLS serves the genuine certificate, or what the behaviour has in its place.
func (s *Server) TLS(genuine GetCertificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			certificate, err := genuine(hello)
			if wrong := s.Behaviour().Certificate; err == nil && wrong != "" {
				return wrong.inPlaceOf(certificate)
			}
			return certificate, err
		},
	}
}

func (c Certificate) inPlaceOf(genuine *tls.Certificate) (*tls.Certificate, error) {
	const validity = 24 * time.Hour
	names, issued := genuine.Leaf.DNSNames, genuine.Leaf.NotBefore
	switch c {
	case Changing:
		if rand.N(2) == 0 { //nolint:gosec // any order does
			return genuine, nil
		}
	case OtherName:
		names = []string{"somebody.else.svc"}
	case Expired:
		issued = issued.Add(-validity - time.Hour)
	}
	return issue(names, issued, validity)
}

// issue has an authority made that nobody knows.
func issue(names []string, issued time.Time, validity time.Duration) (*tls.Certificate, error) {
	authority, err := pki.NewSigner("unknown authority", issued, validity)
	if err != nil {
		return nil, err
	}
	pair, err := authority.IssueServing(names, issued, validity)
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	return &certificate, err
}
