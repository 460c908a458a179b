// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// NoServing is the reason for issuing a certificate for the first time, or after it was lost.
const NoServing = "there was no serving certificate"

// Request describes the certificates that a server needs.
type Request struct {
	// Name of the server, for the signer's subject.
	Name string
	// DNSNames of the serving certificate; the first is the server name that kube-apiserver uses.
	DNSNames []string
	// KeyAlgorithm of the serving certificate's key; the signer's key is always ECDSA P-256.
	KeyAlgorithm v1alpha1.KeyAlgorithm
	// ForClients makes the serving certificate one for clients, too.
	ForClients bool
	// Validity of the serving certificate.
	Validity time.Duration
	// RenewBefore is how long before its expiry the serving certificate is renewed at the latest.
	RenewBefore time.Duration
	// CAValidity is the validity of the signer.
	CAValidity time.Duration
	// RotateServingAfter and RotateCAAfter are times from which certificates issued earlier are replaced.
	RotateServingAfter, RotateCAAfter time.Time
}

// KeepSigner returns the stored signer or, with the reason, a new one to replace it.
func KeepSigner(stored KeyPair, want Request, now time.Time) (
	signer KeyPair, certificate *x509.Certificate, reason string, err error,
) {
	certificate, reason = checkSigner(stored, want, now)
	if reason == "" {
		return stored, certificate, "", nil
	}
	signer, err = NewSigner("extensionapi-operator:"+want.Name, now, want.CAValidity, want.DNSNames...)
	if err != nil {
		return KeyPair{}, nil, "", err
	}
	certificate, _, err = signer.parse()
	return signer, certificate, reason, err
}

// checkSigner returns the signer's certificate and why it must be replaced, empty if it need not be.
func checkSigner(signer KeyPair, want Request, now time.Time) (certificate *x509.Certificate, reason string) {
	if signer.empty() {
		return nil, "there was no CA"
	}
	certificate, _, err := signer.parse()
	switch {
	case err != nil:
		return nil, fmt.Sprintf("the CA was unusable (%v)", err)
	case !certificate.IsCA:
		return nil, "the CA was unusable (its certificate is not a CA certificate)"
	case !issuesFor(certificate, want.DNSNames):
		return nil, "the CA was for other DNS names"
	default:
		return certificate, checkLifetime(certificate, want, now)
	}
}

// issuesFor reports whether clients accept certificates that the CA issues for the names. A CA from an earlier version
// is unconstrained, and valid for all.
func issuesFor(authority *x509.Certificate, dnsNames []string) bool {
	permitted := authority.PermittedDNSDomains
	return len(permitted) == 0 || slices.Equal(permitted, dnsNames)
}

// checkLifetime returns why a CA must be replaced now, empty if it need not be.
func checkLifetime(authority *x509.Certificate, want Request, now time.Time) (reason string) {
	switch {
	case now.Before(authority.NotBefore):
		return "the CA was not valid yet"
	case !usable(authority, now.Add(want.Validity)):
		return "the CA was about to expire"
	case lifetime(authority) > want.CAValidity+clockSkew:
		return "the CA was valid for longer than requested"
	case !now.Before(caRenewalTime(authority)):
		return "the CA was due for renewal"
	case isRotated(authority, want.RotateCAAfter, now):
		return "rotateCAAfter requested a new CA"
	default:
		return ""
	}
}

// CheckServing returns why the serving certificate must be replaced, empty if it need not be.
func CheckServing(serving KeyPair, authority *x509.Certificate, want Request, now time.Time) (reason string) {
	if serving.empty() {
		return NoServing
	}
	leaf, _, err := serving.parse()
	switch {
	case err != nil:
		return fmt.Sprintf("the serving certificate was unusable (%v)", err)
	case leaf.CheckSignatureFrom(authority) != nil:
		return "the serving certificate was not issued by the current CA"
	case !slices.Equal(leaf.DNSNames, want.DNSNames):
		return "the serving certificate was for other DNS names"
	case algorithmOf(leaf.PublicKey) != want.KeyAlgorithm:
		return "the serving certificate's key was of another algorithm"
	default:
		return checkServingTimes(leaf, want, now)
	}
}

// checkServingTimes returns why a serving certificate must be replaced now, empty if it need not be.
func checkServingTimes(leaf *x509.Certificate, want Request, now time.Time) (reason string) {
	switch {
	case now.Before(leaf.NotBefore):
		return "the serving certificate was not valid yet"
	case lifetime(leaf) > want.Validity+clockSkew:
		return "the serving certificate was valid for longer than requested"
	case !now.Before(want.RenewalTime(leaf)):
		return "the serving certificate was due for renewal"
	case isRotated(leaf, want.RotateServingAfter, now):
		return "rotateServingAfter requested a new serving certificate"
	default:
		return ""
	}
}

// RenewalTime returns when a serving certificate is renewed, in whole seconds as in the status: RenewBefore its expiry,
// and up to a twentieth of its lifetime earlier, derived from its serial number, so that certificates that were issued
// together are not renewed together.
func (r Request) RenewalTime(leaf *x509.Certificate) time.Time {
	return leaf.NotAfter.Add(-r.RenewBefore - jitter(leaf)).Truncate(time.Second)
}

// NextChange returns the earliest time after now at which a certificate or its CA must be replaced.
func (r Request) NextChange(leaf, authority *x509.Certificate, now time.Time) time.Time {
	next := earlier(r.RenewalTime(leaf), caRenewalTime(authority))
	for _, moment := range []time.Time{r.RotateServingAfter, r.RotateCAAfter} {
		if moment.After(now) {
			next = earlier(next, moment)
		}
	}
	return next
}

// caRenewalTime returns when two thirds of a CA's lifetime have passed, or a little earlier.
func caRenewalTime(authority *x509.Certificate) time.Time {
	return authority.NotAfter.Add(-lifetime(authority)/3 - jitter(authority))
}

func jitter(certificate *x509.Certificate) time.Duration {
	bound := big.NewInt(int64(max(lifetime(certificate)/20, 1)))
	return time.Duration(new(big.Int).Mod(certificate.SerialNumber, bound).Int64())
}

// isRotated reports whether a certificate must be replaced because it was issued before after, which has passed.
func isRotated(certificate *x509.Certificate, after, now time.Time) bool {
	issued := certificate.NotBefore.Add(clockSkew)
	return !after.IsZero() && !now.Before(after) && issued.Before(after)
}

func lifetime(certificate *x509.Certificate) time.Duration {
	return certificate.NotAfter.Sub(certificate.NotBefore)
}
