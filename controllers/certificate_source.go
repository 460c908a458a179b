// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"crypto/x509"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
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
	// renew says what that somebody can do, and pending what they are still at, empty where they are not.
	renew, pending string
	// renewal returns when a certificate will be renewed, nil where somebody else renews it.
	renewal func(leaf *x509.Certificate) time.Time
	// changes returns when something is to be done or told next, by itself.
	changes func(served served) time.Time
}

// certificateSource returns what spec.server.certificates asks for. A problem, which has a reason, is for another owner
// to solve first.
func (r *Reconciler) certificateSource(ctx context.Context, s *scope, stored storedCertificates) (
	source certificateSource, problem finding.Finding, err error,
) {
	if s.Spec.Server.Certificates == nil || s.Spec.Server.Certificates.CertManager == nil {
		if err := r.removeCertManager(ctx, s); err != nil {
			return certificateSource{}, finding.Finding{}, err
		}
	}
	switch certificates := ptr.Deref(s.Spec.Server.Certificates, v1alpha1.Certificates{}); {
	case certificates.SecretRef != nil:
		name := certificates.SecretRef.Name
		r.Secrets.Watch(s.Name, client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: name})
		source, problem, err = r.providedSource(ctx, s, name, stored)
		source.renew = "put a new one there"
		return source, problem, err
	case certificates.CertManager != nil:
		r.Secrets.Forget(s.Name)
		return r.certManagerSource(ctx, s, stored)
	default:
		r.Secrets.Forget(s.Name)
		source, err := r.managedSource(s, stored)
		return source, finding.Finding{}, err
	}
}

func (r *Reconciler) managedSource(s *scope, stored storedCertificates) (certificateSource, error) {
	request, now := certificateRequest(s), r.Clock.Now()
	signer, wanted, err := rotation.Managed(stored.signer, stored.Serving, request, now)
	return certificateSource{
		Wanted:  wanted,
		signer:  signer,
		renewal: request.RenewalTime,
		changes: func(served served) time.Time {
			return request.NextChange(served.leaf(), wanted.Authorities[0], now)
		},
	}, err
}

// certificateRequest is in whole seconds, as certificates are.
func certificateRequest(s *scope) pki.Request {
	request := pki.Request{
		Name:       s.Name,
		DNSNames:   servingNames(s),
		Validity:   v1alpha1.DefaultValidity,
		CAValidity: v1alpha1.DefaultCAValidity,
	}
	certificates := ptr.Deref(s.Spec.Server.Certificates, v1alpha1.Certificates{})
	managed := ptr.Deref(certificates.Managed, v1alpha1.ManagedCertificates{})
	if managed.Validity != nil {
		request.Validity = managed.Validity.Truncate(time.Second)
	}
	if managed.CAValidity != nil {
		request.CAValidity = managed.CAValidity.Truncate(time.Second)
	}
	request.RenewBefore = request.Validity / 3
	if managed.RenewBefore != nil {
		request.RenewBefore = managed.RenewBefore.Duration
	}
	if managed.RotateServingAfter != nil {
		request.RotateServingAfter = managed.RotateServingAfter.Truncate(time.Second)
	}
	if managed.RotateCAAfter != nil {
		request.RotateCAAfter = managed.RotateCAAfter.Truncate(time.Second)
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
	source certificateSource, problem finding.Finding, err error,
) {
	now := r.Clock.Now()
	source = certificateSource{secret: name, changes: func(served served) time.Time { return served.nextWarning(now) }}
	secret, err := r.readSecret(ctx, s.Spec.Server.Namespace, name)
	if err != nil {
		return source, finding.Finding{}, err
	}
	if secret == nil {
		return source, secretMissing(s.Spec.Server.Namespace, name), nil
	}
	host := servingNames(s)[0]
	authorities, err := pki.CheckProvided(keyPair(secret.Data), secret.Data[manifests.CABundleKey], host, now)
	if err != nil {
		// Time alone may heal it: a certificate that is not valid yet.
		s.requeueAfter(interval(s))
		return source, secretRefused(s.Spec.Server.Namespace, name, err), nil
	}
	source.Wanted = rotation.Provided(stored.Serving, keyPair(secret.Data), authorities, host)
	return source, finding.Finding{}, nil
}
