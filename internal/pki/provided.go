// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
)

// The size limit of a Secret is 1 MiB, and the operator keeps the CAs of two changes in one.
const (
	maxServingBytes = 64 << 10
	maxBundleBytes  = 256 << 10
)

// maxNames is how many bytes of the names in a certificate are quoted.
const maxNames = 200

func named(name pkix.Name) string { return excerpt.Of(name.String(), maxNames) }

// CheckProvided checks that clients that trust the PEM certificates of ca accept a server with the certificate and key
// of pair as host, and returns the certificates of ca. Intermediate CAs follow the serving certificate in
// pair.Certificate. An error states which of a Secret's keys (tls.crt, tls.key and ca.crt) is wrong and what to change,
// and its text is stable as long as that is wrong.
func CheckProvided(pair KeyPair, ca []byte, host string, now time.Time) ([]*x509.Certificate, error) {
	if err := checkSizes(pair, ca); err != nil {
		return nil, err
	}
	chain, err := parseChain(pair)
	if err != nil {
		return nil, err
	}
	if err := checkLeaf(chain[0], host, now); err != nil {
		return nil, err
	}
	authorities, err := parseAuthorities(ca)
	if err != nil {
		return nil, err
	}
	if err := checkChain(chain, authorities, host, now); err != nil {
		return nil, err
	}
	return authorities, nil
}

func checkSizes(pair KeyPair, ca []byte) error {
	if len(pair.Certificate)+len(pair.Key) > maxServingBytes {
		return fmt.Errorf("tls.crt and tls.key are larger than %d KiB: keep only the serving certificate, its intermediate "+
			"CAs and its key", maxServingBytes>>10)
	}
	if len(ca) > maxBundleBytes {
		return fmt.Errorf("ca.crt is larger than %d KiB: keep only the CAs that tls.crt chains to, not all CAs that a "+
			"system trusts", maxBundleBytes>>10)
	}
	return nil
}

// parseChain returns the certificates of pair, the first of which matches the key.
func parseChain(pair KeyPair) ([]*x509.Certificate, error) {
	if len(pair.Certificate) == 0 {
		return nil, errors.New("tls.crt is missing: put the PEM serving certificate there, followed by the intermediate " +
			"CAs if there are any")
	}
	chain, err := cert.ParseCertsPEM(pair.Certificate)
	if err != nil {
		return nil, fmt.Errorf("tls.crt contains no readable PEM certificate (%w): put the serving certificate there, "+
			"followed by the intermediate CAs if there are any", err)
	}
	if len(pair.Key) == 0 {
		return nil, errors.New("tls.key is missing: put the PEM private key of the certificate in tls.crt there")
	}
	if _, _, err := pair.parse(); err != nil {
		return nil, fmt.Errorf("tls.key cannot be used with the first certificate in tls.crt (%w): put the PEM private "+
			"key of the serving certificate into tls.key, and the serving certificate first into tls.crt", err)
	}
	return chain, nil
}

func checkLeaf(leaf *x509.Certificate, host string, now time.Time) error {
	if now.After(leaf.NotAfter) {
		return fmt.Errorf("tls.crt expired at %s: renew it", Timestamp(leaf.NotAfter))
	}
	if now.Before(leaf.NotBefore) {
		return fmt.Errorf("tls.crt is not valid before %s: put a currently valid certificate there",
			Timestamp(leaf.NotBefore))
	}
	if leaf.VerifyHostname(host) != nil {
		return fmt.Errorf("tls.crt is valid for %s, but kube-apiserver requires %s: issue the certificate for that DNS "+
			"name", excerpt.Of(fmt.Sprint(leaf.DNSNames), maxNames), host)
	}
	return nil
}

// parseAuthorities requires that all certificates are CAs: clients other than Go's refuse to trust anything else.
func parseAuthorities(ca []byte) ([]*x509.Certificate, error) {
	if len(ca) == 0 {
		return nil, errors.New("ca.crt is missing: put the PEM certificate of the CA that issued tls.crt there; with " +
			"cert-manager, use an issuer that provides it, such as a CA or Vault issuer")
	}
	authorities, err := cert.ParseCertsPEM(ca)
	if err != nil {
		return nil, fmt.Errorf("ca.crt contains no readable PEM certificate (%w): put the certificate of the CA that "+
			"issued tls.crt there", err)
	}
	isOther := func(certificate *x509.Certificate) bool { return !certificate.IsCA }
	if i := slices.IndexFunc(authorities, isOther); i >= 0 {
		return nil, fmt.Errorf("ca.crt contains the certificate %q, which is not a CA (its basic constraints lack CA): "+
			"keep only CAs in ca.crt, including the one that issued tls.crt", named(authorities[i].Subject))
	}
	return authorities, nil
}

func checkChain(chain, authorities []*x509.Certificate, host string, now time.Time) error {
	err := Verify(chain, authorities, host, now)
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case err == nil:
		return nil
	case ok && invalid.Reason == x509.Expired:
		// The text of that error contains the current time, which varies.
		return fmt.Errorf("the CA %q in the chain of tls.crt is valid only from %s to %s: renew it in ca.crt, or in "+
			"tls.crt if it is an intermediate CA", named(invalid.Cert.Subject), Timestamp(invalid.Cert.NotBefore),
			Timestamp(invalid.Cert.NotAfter))
	case ok && invalid.Reason == x509.IncompatibleUsage:
		return errors.New("tls.crt, or a CA in its chain, is not for servers: issue it with the extended key usage server " +
			"auth")
	default:
		return fmt.Errorf("tls.crt, issued by %q, does not chain to a CA in ca.crt (%w): put the CA that issued it into "+
			"ca.crt, and the intermediate CAs in between into tls.crt", named(chain[0].Issuer), err)
	}
}
