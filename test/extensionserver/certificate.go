// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"crypto/tls"
	"math/rand/v2"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// Certificate is the kind of fault of a serving certificate.
type Certificate string

const (
	// Untrusted is issued by an unknown CA.
	Untrusted Certificate = "Untrusted"
	// OtherName is for another name. Clients report that before they check the CA.
	OtherName Certificate = "OtherName"
	// Expired was valid until an hour before the genuine one was issued. Clients report that first.
	Expired Certificate = "Expired"
	// Changing is the genuine certificate in about half of the handshakes, and a new one issued by an unknown CA in the
	// others.
	Changing Certificate = "Changing"
)

// GetCertificate returns the certificate for a TLS handshake (crypto/tls.Config).
type GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// TLS returns a configuration that serves the genuine certificate, or the one that the behaviour replaces it with.
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
		names = []string{"other.svc"}
	case Expired:
		issued = issued.Add(-validity - time.Hour)
	}
	return issue(names, issued, validity)
}

// issue returns a certificate of a new, unknown CA.
func issue(names []string, issued time.Time, validity time.Duration) (*tls.Certificate, error) {
	ca, err := pki.NewSigner("unknown CA", issued, validity)
	if err != nil {
		return nil, err
	}
	pair, err := ca.IssueServing(names, issued, validity)
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	return &certificate, err
}
