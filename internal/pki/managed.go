// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// NoServing is why a certificate is issued for the first time, or after it was lost.
const NoServing = "there was no serving certificate"

// Request says what certificates a server needs.
type Request struct {
	// Name of the server, for the signer's subject.
	Name string
	// DNSNames of the serving certificate; the first is the one that kube-apiserver asks for.
	DNSNames []string
	// Validity of the serving certificate.
	Validity time.Duration
	// RenewBefore is how long before its expiry it is renewed at the latest.
	RenewBefore time.Duration
	// CAValidity is the validity of the signer.
	CAValidity time.Duration
	// RotateServingAfter and RotateCAAfter have what was issued earlier replaced, as soon as they have come.
	RotateServingAfter, RotateCAAfter time.Time
}

// KeepSigner returns the stored signer or, with the reason, a new one in its place.
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

// checkSigner returns the signer's certificate and why it must be replaced, empty when it is good.
func checkSigner(signer KeyPair, want Request, now time.Time) (certificate *x509.Certificate, reason string) {
	if signer.empty() {
		return nil, "there was no certificate authority"
	}
	certificate, _, err := signer.parse()
	switch {
	case err != nil:
		return nil, fmt.Sprintf("the certificate authority was unusable (%v)", err)
	case !certificate.IsCA:
		return nil, "the certificate authority was unusable (it is none)"
	case !issuesFor(certificate, want.DNSNames):
		return nil, "the certificate authority was for other DNS names"
	default:
		return certificate, checkLife(certificate, want, now)
	}
}

// issuesFor reports whether clients accept what the authority issues for the names. One of an earlier version is not
// constrained, and good for all.
func issuesFor(authority *x509.Certificate, dnsNames []string) bool {
	permitted := authority.PermittedDNSDomains
	return len(permitted) == 0 || slices.Equal(permitted, dnsNames)
}

// checkLife returns why an authority must be replaced now, empty when it need not be.
func checkLife(authority *x509.Certificate, want Request, now time.Time) (reason string) {
	switch {
	case now.Before(authority.NotBefore):
		return "the certificate authority was not valid yet"
	case !usable(authority, now.Add(want.Validity)):
		return "the certificate authority was about to expire"
	case life(authority) > want.CAValidity+clockSkew:
		return "the certificate authority was valid for longer than wanted"
	case !now.Before(caRenewalTime(authority)):
		return "the certificate authority was due for renewal"
	case isRotated(authority, want.RotateCAAfter, now):
		return "rotateCAAfter asked for a new certificate authority"
	default:
		return ""
	}
}

// CheckServing tells why the serving certificate must be replaced, empty when it is good.
func CheckServing(serving KeyPair, authority *x509.Certificate, want Request, now time.Time) (reason string) {
	if serving.empty() {
		return NoServing
	}
	leaf, _, err := serving.parse()
	switch {
	case err != nil:
		return fmt.Sprintf("the serving certificate was unusable (%v)", err)
	case leaf.CheckSignatureFrom(authority) != nil:
		return "the serving certificate was not issued by the current certificate authority"
	case !slices.Equal(leaf.DNSNames, want.DNSNames):
		return "the serving certificate was for other DNS names"
	case now.Before(leaf.NotBefore):
		return "the serving certificate was not valid yet"
	case life(leaf) > want.Validity+clockSkew:
		return "the serving certificate was valid for longer than wanted"
	case !now.Before(want.RenewalTime(leaf)):
		return "the serving certificate was due for renewal"
	case isRotated(leaf, want.RotateServingAfter, now):
		return "rotateServingAfter asked for a new serving certificate"
	default:
		return ""
	}
}

// RenewalTime is when a serving certificate is renewed, in whole seconds as status tells it: RenewBefore its expiry,
// and up to a twentieth of its life earlier, by its serial number, so that certificates that were issued together are
// not renewed together.
func (r Request) RenewalTime(leaf *x509.Certificate) time.Time {
	return leaf.NotAfter.Add(-r.RenewBefore - jitter(leaf)).Truncate(time.Second)
}

// NextChange is the earliest moment after now at which a certificate or its authority will have to be replaced.
func (r Request) NextChange(leaf, authority *x509.Certificate, now time.Time) time.Time {
	next := earlier(r.RenewalTime(leaf), caRenewalTime(authority))
	for _, moment := range []time.Time{r.RotateServingAfter, r.RotateCAAfter} {
		if moment.After(now) {
			next = earlier(next, moment)
		}
	}
	return next
}

// caRenewalTime is when two thirds of an authority's life have passed, or a little earlier.
func caRenewalTime(authority *x509.Certificate) time.Time {
	return authority.NotAfter.Add(-life(authority)/3 - jitter(authority))
}

func jitter(certificate *x509.Certificate) time.Duration {
	bound := big.NewInt(int64(max(life(certificate)/20, 1)))
	return time.Duration(new(big.Int).Mod(certificate.SerialNumber, bound).Int64())
}

// isRotated tells whether a certificate must go because it was issued before a moment that has come.
func isRotated(certificate *x509.Certificate, after, now time.Time) bool {
	issued := certificate.NotBefore.Add(clockSkew)
	return !after.IsZero() && !now.Before(after) && issued.Before(after)
}

func life(certificate *x509.Certificate) time.Duration {
	return certificate.NotAfter.Sub(certificate.NotBefore)
}
