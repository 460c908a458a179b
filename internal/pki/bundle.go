// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
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
	return err == nil && !slices.ContainsFunc(needed, func(c *x509.Certificate) bool { return !contains(certificates, c) })
}

// extendBundle returns current followed by the authorities of previous that are still valid.
func extendBundle(current *x509.Certificate, previous []byte, now time.Time) ([]byte, error) {
	bundle := []*x509.Certificate{current}
	// A previous bundle that cannot be parsed is of no use to anybody.
	certificates, _ := cert.ParseCertsPEM(previous)
	for _, certificate := range certificates {
		if usable(certificate, now) && !contains(bundle, certificate) {
			bundle = append(bundle, certificate)
		}
	}
	return cert.EncodeCertificates(bundle...)
}

func usable(certificate *x509.Certificate, now time.Time) bool {
	return certificate.IsCA && now.Before(certificate.NotAfter)
}

func contains(certificates []*x509.Certificate, wanted *x509.Certificate) bool {
	return slices.ContainsFunc(certificates, wanted.Equal)
}
