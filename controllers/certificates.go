// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// defaultValidity equals the default in the schema of certificates.managed, which may be left out as a whole.
const defaultValidity = 90 * 24 * time.Hour

// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;patch;delete

// reconcileCertificates provides a serving certificate and finds the bundle to trust.
func (r *Reconciler) reconcileCertificates(ctx context.Context, s *scope) error {
	if s.Spec.Service != nil {
		s.trust = s.Spec.Service.CABundle
		_, err := pki.ParseBundle(s.trust, r.Clock.Now())
		s.conclude(v1alpha1.ConditionCertificatesReady, caBundleVerdict(err))
		if err != nil {
			s.trust = nil
		}
		return nil
	}
	stored, err := r.storedCertificates(ctx, s)
	if err != nil {
		return err
	}
	if s.namespace != namespaceActive {
		s.trust = stored.Bundle
		return nil
	}
	result, err := pki.Plan(stored, certificateRequest(s), r.Clock.Now())
	if err != nil {
		return err
	}
	if err := r.storeCertificates(ctx, s, result); err != nil {
		v, err := writeVerdict(err)
		s.conclude(v1alpha1.ConditionCertificatesReady, v)
		s.requeueAfter(refusalRetry)
		return err
	}
	s.trust = result.Bundle
	s.conclude(v1alpha1.ConditionCertificatesReady, issuedVerdict(result))
	s.Status.Certificate = &v1alpha1.CertificateStatus{
		NotAfter:    metav1.NewTime(result.NotAfter),
		RenewalTime: metav1.NewTime(result.RenewalTime),
	}
	s.requeueAfter(result.RenewalTime.Sub(r.Clock.Now()))
	return nil
}

func (r *Reconciler) storedCertificates(ctx context.Context, s *scope) (pki.Material, error) {
	signer, err := r.readSecret(ctx, r.OperatorNamespace, manifests.SignerSecretName(s.Name))
	if err != nil {
		return pki.Material{}, err
	}
	serving, err := r.readSecret(ctx, s.Spec.Server.Namespace, manifests.ServingSecretName(s.Name))
	if err != nil {
		return pki.Material{}, err
	}
	return pki.Material{Signer: keyPair(signer), Serving: keyPair(serving), Bundle: serving[manifests.CABundleKey]}, nil
}

// readSecret returns the data of a Secret, nil when there is none.
func (r *Reconciler) readSecret(ctx context.Context, namespace, name string) (map[string][]byte, error) {
	secret := &corev1.Secret{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return secret.Data, err
}

func keyPair(data map[string][]byte) pki.KeyPair {
	return pki.KeyPair{Certificate: data[corev1.TLSCertKey], Key: data[corev1.TLSPrivateKeyKey]}
}

func certificateRequest(s *scope) pki.Request {
	host := manifests.ServingHost(s.backend)
	request := pki.Request{
		Name:     s.Name,
		DNSNames: []string{host, host + ".cluster.local"},
		Validity: defaultValidity,
	}
	if c := s.Spec.Certificates; c != nil && c.Managed != nil && c.Managed.Validity != nil {
		request.Validity = c.Managed.Validity.Duration
	}
	return request
}

// storeCertificates writes the signer first: a serving certificate without its signer would be issued again.
func (r *Reconciler) storeCertificates(ctx context.Context, s *scope, result pki.Result) error {
	signer := manifests.SignerSecret(s.ExtensionAPI, r.OperatorNamespace, result.Signer)
	if err := r.Applier.Apply(ctx, signer); err != nil {
		return err
	}
	serving := manifests.ServingSecret(s.ExtensionAPI, result.Serving, result.Bundle)
	if err := r.Applier.Apply(ctx, serving); err != nil {
		return err
	}
	if result.Issued != "" {
		s.notes = append(s.notes, note{corev1.EventTypeNormal, "CertificateIssued", fmt.Sprintf(
			"issued a serving certificate valid until %s: %s", result.NotAfter.UTC().Format(time.RFC3339), result.Issued)})
	}
	return nil
}

func issuedVerdict(result pki.Result) verdict {
	return good(v1alpha1.ReasonIssued, fmt.Sprintf("the serving certificate is valid until %s and will be renewed at %s",
		result.NotAfter.UTC().Format(time.RFC3339), result.RenewalTime.UTC().Format(time.RFC3339)))
}

func caBundleVerdict(err error) verdict {
	if err != nil {
		return bad(v1alpha1.ReasonInvalidCABundle, fmt.Sprintf(
			"spec.service.caBundle cannot be used: %v; set it to the PEM certificate of the authority that issued the "+
				"server's certificate", err), stalled)
	}
	return good(v1alpha1.ReasonUserProvided, "the server is verified with spec.service.caBundle")
}
