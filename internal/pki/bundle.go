// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/util/cert"
)

// ParseBundle returns the certificate authorities of a PEM trust bundle. It fails when there is no certificate, when
// one cannot be parsed, or when none of them is an authority that is valid now.
func ParseBundle(bundle []byte, now time.Time) ([]*x509.Certificate, error) {
	certificates, err := cert.ParseCertsPEM(bundle)
	if err != nil {
		return nil, fmt.Errorf("the bundle holds no PEM certificates: %w", err)
	}
	for _, certificate := range certificates {
		if usable(certificate, now) {
			return certificates, nil
		}
	}
	return nil, errors.New("the bundle holds no certificate authority that is valid now")
}

// Covers tells whether bundle holds every certificate of other, so that nothing that other trusts loses its trust.
func Covers(bundle, other []byte) bool {
	certificates, err := cert.ParseCertsPEM(bundle)
	if err != nil {
		return false
	}
	needed, err := cert.ParseCertsPEM(other)
	return err == nil && ContainsAll(certificates, needed)
}

// Extend returns authorities followed by those of bundle that are still valid and not among them. A bundle that cannot
// be parsed is of no use to anybody and adds nothing.
func Extend(authorities []*x509.Certificate, bundle []byte, now time.Time) []*x509.Certificate {
	extended := slices.Clone(authorities)
	certificates, _ := cert.ParseCertsPEM(bundle)
	for _, certificate := range certificates {
		if usable(certificate, now) && !slices.ContainsFunc(extended, certificate.Equal) {
			extended = append(extended, certificate)
		}
	}
	return extended
}

// ContainsAll tells whether every one of wanted is among certificates.
func ContainsAll(certificates, wanted []*x509.Certificate) bool {
	return !slices.ContainsFunc(wanted, func(c *x509.Certificate) bool {
		return !slices.ContainsFunc(certificates, c.Equal)
	})
}

// Verify checks a chain as it was served (the serving certificate first) as kube-apiserver does: for host, at now,
// against authorities.
func Verify(chain, authorities []*x509.Certificate, host string, now time.Time) error {
	_, err := verify(chain, authorities, host, now)
	return err
}

func verify(chain, authorities []*x509.Certificate, host string, now time.Time) ([][]*x509.Certificate, error) {
	if len(chain) == 0 {
		return nil, errors.New("no certificate was served")
	}
	return chain[0].Verify(x509.VerifyOptions{
		Roots:         pool(authorities),
		Intermediates: pool(chain[1:]),
		DNSName:       host,
		CurrentTime:   now,
	})
}

func pool(certificates []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, certificate := range certificates {
		pool.AddCert(certificate)
	}
	return pool
}

// Expiry returns when clients will no longer accept a chain that they accept now: when the first certificate expires of
// those that it needs, up to the authority. It is the zero time for a chain that they do not accept.
func Expiry(chain, authorities []*x509.Certificate, host string, now time.Time) time.Time {
	verified, err := verify(chain, authorities, host, now)
	if err != nil {
		return time.Time{}
	}
	var latest time.Time
	for _, path := range verified {
		end := path[0].NotAfter
		for _, certificate := range path[1:] {
			end = earlier(end, certificate.NotAfter)
		}
		if end.After(latest) {
			latest = end
		}
	}
	return latest
}

// Timestamp is how moments are told to people.
func Timestamp(moment time.Time) string { return moment.UTC().Format(time.RFC3339) }

// Fingerprint is the hexadecimal SHA-256 of a certificate.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

func usable(certificate *x509.Certificate, now time.Time) bool {
	return certificate.IsCA && now.Before(certificate.NotAfter)
}
