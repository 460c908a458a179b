// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// storedCertificates are what is in the Secrets.
type storedCertificates struct {
	rotation.State
	signer pki.KeyPair
}

func (r *Reconciler) readCertificates(ctx context.Context, s *scope) (storedCertificates, error) {
	trust, err := r.readOwnSecret(ctx, s, r.OperatorNamespace, manifests.TrustSecretName(s.Name))
	if err != nil {
		return storedCertificates{}, err
	}
	var serving map[string][]byte
	if !s.outOfReach {
		serving, err = r.readOwnSecret(ctx, s, s.Spec.Server.Namespace, manifests.ServingSecretName(s.Name))
	}
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

// readOwnSecret returns the data of a Secret of the ExtensionAPI, nil when there is none, or another owner's: to use
// that of an earlier ExtensionAPI of the same name would be to speak in its name.
func (r *Reconciler) readOwnSecret(ctx context.Context, s *scope, namespace, name string) (map[string][]byte, error) {
	secret, err := r.readSecret(ctx, namespace, name)
	if secret == nil || !asOwner(s.ExtensionAPI).Owns(secret) {
		return nil, err
	}
	return secret.Data, err
}

// readSecret returns nil when there is no Secret.
func (r *Reconciler) readSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return secret, nil
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
