// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

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
	s.trust = stored.Bundle
	if s.namespace != namespaceActive {
		return nil
	}
	result, err := pki.Plan(stored, certificateRequest(s), r.Clock.Now())
	if err != nil {
		return err
	}
	if err := r.storeCertificates(ctx, s, result); err != nil {
		return s.refuse(v1alpha1.ConditionCertificatesReady, err)
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
	bundle := signer[manifests.CABundleKey]
	if signer == nil {
		// A lost authority is still trusted by kube-apiserver, and its certificate still served.
		bundle, err = r.registeredBundle(ctx, s)
	}
	return pki.Material{Signer: keyPair(signer), Serving: keyPair(serving), Bundle: bundle}, err
}

// registeredBundle returns what kube-apiserver verifies the server with now.
func (r *Reconciler) registeredBundle(ctx context.Context, s *scope) ([]byte, error) {
	registered, err := r.ownAPIServices(ctx, r.Client, s.Name)
	for _, name := range slices.Sorted(maps.Keys(registered)) {
		return registered[name].Spec.CABundle, err
	}
	return nil, err
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
		Validity: v1alpha1.DefaultValidity,
	}
	if c := s.Spec.Certificates; c != nil && c.Managed != nil && c.Managed.Validity != nil {
		request.Validity = c.Managed.Validity.Duration
	}
	return request
}

// storeCertificates writes the signer first: a serving certificate without its signer would be issued again. The bundle
// is kept with the signer, where the server's namespace cannot add an authority to it; the server's own copy is for
// people to look at.
func (r *Reconciler) storeCertificates(ctx context.Context, s *scope, result pki.Result) error {
	signer := manifests.SignerSecret(s.ExtensionAPI, r.OperatorNamespace, result.Signer, result.Bundle)
	if _, err := r.Applier.Apply(ctx, signer); err != nil {
		return err
	}
	serving := manifests.ServingSecret(s.ExtensionAPI, result.Serving, result.Bundle)
	if _, err := r.Applier.Apply(ctx, serving); err != nil {
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
