// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;patch;delete

// storedCertificates are what is in the Secrets.
type storedCertificates struct {
	rotation.State
	signer pki.KeyPair
}

func (r *Reconciler) readCertificates(ctx context.Context, s *scope) (storedCertificates, error) {
	trust, err := r.readSecret(ctx, r.OperatorNamespace, manifests.TrustSecretName(s.Name))
	if err != nil {
		return storedCertificates{}, err
	}
	serving, err := r.readSecret(ctx, s.Spec.Server.Namespace, manifests.ServingSecretName(s.Name))
	if err != nil {
		return storedCertificates{}, err
	}
	stored := storedCertificates{signer: keyPair(trust)}
	stored.Bundle, stored.Serving = trust[manifests.CABundleKey], keyPair(serving)
	if err := json.Unmarshal(trust[manifests.RotationKey], &stored.Record); err != nil {
		// A lost record costs time only.
		stored.Record = rotation.Record{}
		if trust != nil {
			ctrl.LoggerFrom(ctx).Info("starting with an empty record of the rotation", "error", err.Error())
		}
	}
	return stored, nil
}

// readSecret returns the data of a Secret, nil when there is none or it is out of reach.
func (r *Reconciler) readSecret(ctx context.Context, namespace, name string) (map[string][]byte, error) {
	if !r.SecretNamespaces.include(namespace) {
		return nil, nil
	}
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

// storeCertificates writes the trust first: a serving certificate without its signer would be issued again. The record
// comes last, since it speaks of the serving certificate. The bundle is kept with the signer, where the server's
// namespace cannot add an authority to it; the server's own copy is for people to look at.
func (r *Reconciler) storeCertificates(
	ctx context.Context, s *scope, stored storedCertificates, signer pki.KeyPair, state rotation.State,
) error {
	if err := r.storeTrust(ctx, s, signer, state.Bundle, stored.Record); err != nil {
		return err
	}
	if len(state.Serving.Certificate) > 0 { // else lost, and not issued anew yet
		_, err := r.Applier.Apply(ctx, manifests.ServingSecret(s.ExtensionAPI, state.Serving, state.Bundle))
		if err != nil {
			return err
		}
	}
	return r.storeTrust(ctx, s, signer, state.Bundle, state.Record)
}

func (r *Reconciler) storeTrust(
	ctx context.Context, s *scope, signer pki.KeyPair, bundle []byte, record rotation.Record,
) error {
	encoded, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = r.Applier.Apply(ctx, manifests.TrustSecret(s.ExtensionAPI, r.OperatorNamespace, signer, bundle, encoded))
	return err
}
