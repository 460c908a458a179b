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

// CheckClient checks a client certificate with its key, and the CAs of the server that it is for, any of which may be
// left out unless needsAuthority. An error states which of a Secret's keys is wrong and what to change, and its text is
// stable as long as that is wrong.
func CheckClient(pair KeyPair, ca []byte, needsAuthority bool, now time.Time) error {
	switch {
	case len(ca) == 0 && needsAuthority:
		return errors.New("ca.crt is missing: put the PEM certificate of the CA there that issues for the storage")
	case len(ca) > maxBundleBytes || len(pair.Certificate)+len(pair.Key) > maxServingBytes:
		return fmt.Errorf("ca.crt is larger than %d KiB, or tls.crt and tls.key than %d KiB", maxBundleBytes>>10,
			maxServingBytes>>10)
	}
	if len(ca) > 0 {
		if _, err := ParseBundle(ca, now); err != nil {
			return fmt.Errorf("ca.crt: %w", err)
		}
	}
	if pair.empty() {
		return nil
	}
	chain, err := parseClient(pair)
	if err != nil {
		return err
	}
	return checkClientLeaf(chain[0], now)
}

func parseClient(pair KeyPair) ([]*x509.Certificate, error) {
	switch {
	case len(pair.Certificate) == 0:
		return nil, errors.New("tls.crt is missing, although there is a tls.key: put the client certificate there")
	case len(pair.Key) == 0:
		return nil, errors.New("tls.key is missing, although there is a tls.crt: put the key of the client certificate there")
	}
	chain, err := cert.ParseCertsPEM(pair.Certificate)
	if err != nil {
		return nil, fmt.Errorf("tls.crt contains no readable PEM certificate: %w", err)
	}
	if _, _, err := pair.parse(); err != nil {
		return nil, fmt.Errorf("tls.key cannot be used with the first certificate in tls.crt: %w", err)
	}
	return chain, nil
}

func checkClientLeaf(leaf *x509.Certificate, now time.Time) error {
	isForClients := len(leaf.ExtKeyUsage) == 0 || slices.ContainsFunc(leaf.ExtKeyUsage, func(u x509.ExtKeyUsage) bool {
		return u == x509.ExtKeyUsageClientAuth || u == x509.ExtKeyUsageAny
	})
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("tls.crt expired at %s: renew it", Timestamp(leaf.NotAfter))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("tls.crt is not valid before %s", Timestamp(leaf.NotBefore))
	case !isForClients:
		return errors.New("tls.crt is not for clients: issue it with the extended key usage client auth")
	default:
		return nil
	}
}
