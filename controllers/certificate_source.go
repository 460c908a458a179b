// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"crypto/x509"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// certificateSource is where the serving certificate comes from, and what it should be.
type certificateSource struct {
	rotation.Wanted
	// signer is the operator's own authority, empty where somebody else issues.
	signer pki.KeyPair
	// secret is where somebody else puts the certificate, empty where the operator issues it.
	secret string
	// renewal returns when a certificate will be renewed, nil where somebody else renews it.
	renewal func(leaf *x509.Certificate) time.Time
	// changes returns when something is to be done next, by itself.
	changes func(leaf *x509.Certificate) time.Time
}

// certificateSource returns what spec.certificates asks for. A problem, which has a reason, is for somebody else to
// solve first.
func (r *Reconciler) certificateSource(ctx context.Context, s *scope, stored storedCertificates) (
	source certificateSource, problem verdict, err error,
) {
	if s.Spec.Certificates == nil || s.Spec.Certificates.CertManager == nil {
		if err := r.removeCertManager(ctx, s); err != nil {
			return certificateSource{}, verdict{}, err
		}
	}
	switch certificates := ptr.Deref(s.Spec.Certificates, v1alpha1.Certificates{}); {
	case certificates.SecretRef != nil:
		return r.providedSource(ctx, s, certificates.SecretRef.Name, stored)
	case certificates.CertManager != nil:
		return r.certManagerSource(ctx, s, stored)
	default:
		r.Secrets.Forget(s.Name)
		source, err := r.managedSource(s, stored)
		return source, verdict{}, err
	}
}

func (r *Reconciler) managedSource(s *scope, stored storedCertificates) (certificateSource, error) {
	request, now := certificateRequest(s), r.Clock.Now()
	signer, wanted, err := rotation.Managed(stored.signer, stored.Serving, request, now)
	return certificateSource{
		Wanted:  wanted,
		signer:  signer,
		renewal: request.RenewalTime,
		changes: func(leaf *x509.Certificate) time.Time {
			return request.NextChange(leaf, wanted.Authorities[0], now)
		},
	}, err
}

func certificateRequest(s *scope) pki.Request {
	request := pki.Request{
		Name:       s.Name,
		DNSNames:   servingNames(s),
		Validity:   v1alpha1.DefaultValidity,
		CAValidity: v1alpha1.DefaultCAValidity,
	}
	managed := ptr.Deref(ptr.Deref(s.Spec.Certificates, v1alpha1.Certificates{}).Managed, v1alpha1.ManagedCertificates{})
	if managed.Validity != nil {
		request.Validity = managed.Validity.Duration
	}
	if managed.CAValidity != nil {
		request.CAValidity = managed.CAValidity.Duration
	}
	request.RenewBefore = request.Validity / 3
	if managed.RenewBefore != nil {
		request.RenewBefore = managed.RenewBefore.Duration
	}
	if managed.RotateServingAfter != nil {
		request.RotateServingAfter = managed.RotateServingAfter.Time
	}
	if managed.RotateCAAfter != nil {
		request.RotateCAAfter = managed.RotateCAAfter.Time
	}
	return request
}

// servingNames are the names of the Service; the first is the one that kube-apiserver asks for.
func servingNames(s *scope) []string {
	host := manifests.ServingHost(s.backend)
	return []string{host, host + ".cluster.local"}
}

// providedSource takes the certificate from a Secret that somebody else writes, after it was checked.
func (r *Reconciler) providedSource(ctx context.Context, s *scope, name string, stored storedCertificates) (
	source certificateSource, problem verdict, err error,
) {
	source = certificateSource{secret: name, changes: expiryWarning}
	r.Secrets.Watch(s.Name, client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: name})
	data, err := r.readSecret(ctx, s.Spec.Server.Namespace, name)
	if err != nil {
		return source, verdict{}, err
	}
	if data == nil {
		return source, secretMissing(s.Spec.Server.Namespace, name), nil
	}
	host := servingNames(s)[0]
	provided, err := pki.CheckProvided(keyPair(data), data[manifests.CABundleKey], host, r.Clock.Now())
	if err != nil {
		return source, secretRefused(s.Spec.Server.Namespace, name, err), nil
	}
	source.Wanted = rotation.Provided(stored.Serving, keyPair(data), provided.Authorities, host)
	return source, verdict{}, nil
}
