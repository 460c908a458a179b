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

// ParseBundle returns the certificates of a PEM trust bundle. It fails if there is no certificate, if one cannot be
// parsed, or if none of them is a CA that has not expired.
func ParseBundle(bundle []byte, now time.Time) ([]*x509.Certificate, error) {
	certificates, err := cert.ParseCertsPEM(bundle)
	if err != nil {
		return nil, fmt.Errorf("the bundle contains no PEM certificates: %w", err)
	}
	for _, certificate := range certificates {
		if usable(certificate, now) {
			return certificates, nil
		}
	}
	return nil, errors.New("the bundle contains no CA that is valid now")
}

// ParseSource returns the CAs of a PEM trust bundle that another owner keeps, without those that have expired. Its
// errors say what to change, and their text is stable as long as that is wrong.
func ParseSource(bundle []byte, now time.Time) ([]*x509.Certificate, error) {
	if len(bundle) > maxBundleBytes {
		return nil, fmt.Errorf("the bundle is larger than %d KiB: keep only the CAs that the server's certificate chains "+
			"to, not all CAs that a system trusts", maxBundleBytes>>10)
	}
	if _, err := ParseBundle(bundle, now); err != nil {
		return nil, err
	}
	return Extend(nil, bundle, now), nil
}

// Covers reports whether bundle contains every certificate of other, so that everything that other trusts stays
// trusted.
func Covers(bundle, other []byte) bool {
	certificates, err := cert.ParseCertsPEM(bundle)
	if err != nil {
		return false
	}
	needed, err := cert.ParseCertsPEM(other)
	return err == nil && ContainsAll(certificates, needed)
}

// Extend returns authorities followed by those of bundle that have not expired and are not among them. A bundle that
// cannot be parsed adds nothing, as no client can use it.
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

// Without returns bundle (PEM) without the certificates of other. One that cannot be parsed stays as it is.
func Without(bundle, other []byte) []byte {
	certificates, err := cert.ParseCertsPEM(bundle)
	if err != nil {
		return bundle
	}
	dropped, _ := cert.ParseCertsPEM(other)
	kept := slices.DeleteFunc(certificates, func(c *x509.Certificate) bool {
		return slices.ContainsFunc(dropped, c.Equal)
	})
	encoded, err := cert.EncodeCertificates(kept...)
	if err != nil {
		return bundle // they were parsed a moment ago
	}
	return encoded
}

// ContainsAll reports whether certificates contains every one of wanted.
func ContainsAll(certificates, wanted []*x509.Certificate) bool {
	return !slices.ContainsFunc(wanted, func(c *x509.Certificate) bool {
		return !slices.ContainsFunc(certificates, c.Equal)
	})
}

// Verify verifies a chain as it was served (the serving certificate first) in the same way as kube-apiserver: for host,
// at now, against authorities.
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

// Expiry returns when clients will stop accepting a chain that they accept now: the earliest expiry of the certificates
// that it needs, up to the CA. It is the zero time for a chain that they do not accept.
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

// Timestamp formats a time for messages.
func Timestamp(moment time.Time) string { return moment.UTC().Format(time.RFC3339) }

// Fingerprint returns the hexadecimal SHA-256 of a certificate.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

func usable(certificate *x509.Certificate, now time.Time) bool {
	return certificate.IsCA && now.Before(certificate.NotAfter)
}
