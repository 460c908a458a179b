// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// signerValidity is long: replacing a signer is the one change that every client must learn of.
const signerValidity = 10 * 365 * 24 * time.Hour

// Request says what certificates a server needs.
type Request struct {
	// Name of the server, for the signer's subject.
	Name string
	// DNSNames of the serving certificate; the first is the one that kube-apiserver asks for.
	DNSNames []string
	// Validity of the serving certificate.
	Validity time.Duration
}

// Material is what is stored for a server.
type Material struct {
	Signer  KeyPair
	Serving KeyPair
	// Bundle is the PEM trust bundle.
	Bundle []byte
}

// Result is what should be stored.
type Result struct {
	Material
	// NotAfter is when the serving certificate expires.
	NotAfter time.Time
	// RenewalTime is when it should be renewed.
	RenewalTime time.Time
	// Issued says why a certificate was issued, empty when none was.
	Issued string
}

// Plan keeps what is good in stored and replaces the rest.
func Plan(stored Material, want Request, now time.Time) (Result, error) {
	result := Result{Material: stored}
	signerCertificate, reason, err := keepSigner(&result.Signer, want, now)
	if err != nil {
		return Result{}, err
	}
	result.note(reason)
	result.Bundle, err = extendBundle(signerCertificate, stored.Bundle, now)
	if err != nil {
		return Result{}, err
	}
	leaf, reason, err := keepServing(&result.Material, signerCertificate, want, now)
	if err != nil {
		return Result{}, err
	}
	result.note(reason)
	result.NotAfter, result.RenewalTime = leaf.NotAfter, renewalTime(leaf)
	return result, nil
}

func (r *Result) note(reason string) {
	if reason != "" && r.Issued != "" {
		r.Issued += "; "
	}
	r.Issued += reason
}

// keepSigner replaces a signer that is unusable or so old that a serving certificate would outlive it.
func keepSigner(signer *KeyPair, want Request, now time.Time) (*x509.Certificate, string, error) {
	certificate, _, err := signer.parse()
	reason := ""
	switch {
	case len(signer.Certificate) == 0 && len(signer.Key) == 0:
		reason = "there was no certificate authority"
	case err != nil:
		reason = fmt.Sprintf("the certificate authority was unusable (%v)", err)
	case !usable(certificate, now.Add(want.Validity)):
		reason = "the certificate authority was about to expire"
	default:
		return certificate, "", nil
	}
	*signer, err = NewSigner("extensionapi-operator:"+want.Name, now, signerValidity)
	if err != nil {
		return nil, "", err
	}
	certificate, _, err = signer.parse()
	return certificate, reason, err
}

// keepServing replaces a serving certificate that is unusable, due for renewal, or not what is wanted.
func keepServing(
	material *Material, authority *x509.Certificate, want Request, now time.Time,
) (*x509.Certificate, string, error) {
	leaf, reason := checkServing(material.Serving, authority, want, now)
	if reason == "" {
		return leaf, "", nil
	}
	serving, err := material.Signer.IssueServing(want.DNSNames, now, want.Validity)
	if err != nil {
		return nil, "", err
	}
	material.Serving = serving
	leaf, _, err = serving.parse()
	return leaf, reason, err
}

// checkServing returns the serving certificate and why it must be replaced, empty when it is good.
func checkServing(
	serving KeyPair, authority *x509.Certificate, want Request, now time.Time,
) (leaf *x509.Certificate, reason string) {
	if len(serving.Certificate) == 0 && len(serving.Key) == 0 {
		return nil, "there was no serving certificate"
	}
	leaf, _, err := serving.parse()
	if err != nil {
		return nil, fmt.Sprintf("the serving certificate was unusable (%v)", err)
	}
	if err := leaf.CheckSignatureFrom(authority); err != nil {
		return nil, "the serving certificate was not issued by the current certificate authority"
	}
	if !slices.Equal(leaf.DNSNames, want.DNSNames) {
		return nil, "the serving certificate was for other DNS names"
	}
	if leaf.NotAfter.Sub(leaf.NotBefore) > want.Validity+clockSkew {
		return nil, "the serving certificate was valid for longer than wanted"
	}
	if !now.Before(renewalTime(leaf)) {
		return nil, "the serving certificate was due for renewal"
	}
	return leaf, ""
}

// renewalTime is when two thirds of the validity have passed, in whole seconds as status tells it.
func renewalTime(leaf *x509.Certificate) time.Time {
	return leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) * 2 / 3).Truncate(time.Second)
}
