// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// certificates reads the Secrets. Those that other owners keep are gone with the namespace, or will be.
func (o *Observer) certificates(ctx context.Context, s *snapshot.Snapshot) (snapshot.Certificates, error) {
	stored, err := o.stored(ctx, s)
	result := snapshot.Certificates{Stored: stored}
	if err != nil || !s.RunsServer() {
		return result, err
	}
	name := manifests.ProvidedSecretName(s.ExtensionAPI)
	if name == "" {
		return result, nil
	}
	if result.Provided, err = o.secret(ctx, s.Spec.Server.Namespace, name); err != nil {
		return result, err
	}
	if s.Spec.Server.Certificates.CertManager != nil && o.CertManager {
		result.Pending = o.certManagerPending(ctx, s.ExtensionAPI)
	}
	return result, nil
}

func (o *Observer) stored(ctx context.Context, s *snapshot.Snapshot) (rotation.Stored, error) {
	trust, err := o.ownSecret(ctx, s.ExtensionAPI, o.OperatorNamespace, manifests.TrustSecretName(s.Name))
	if err != nil {
		return rotation.Stored{}, err
	}
	var serving map[string][]byte
	if s.Spec.Server != nil && s.InReach() {
		serving, err = o.ownSecret(ctx, s.ExtensionAPI, s.Spec.Server.Namespace, manifests.ServingSecretName(s.Name))
	}
	if err != nil {
		return rotation.Stored{}, err
	}
	return storedFrom(ctx, trust, serving), nil
}

// storedFrom returns what is in the Secrets with the trust and with the serving certificate.
func storedFrom(ctx context.Context, trust, serving map[string][]byte) rotation.Stored {
	stored := rotation.Stored{Signer: pki.KeyPairOf(trust)}
	stored.Bundle, stored.Serving = trust[manifests.CABundleKey], pki.KeyPairOf(serving)
	if err := json.Unmarshal(trust[manifests.RotationKey], &stored.Record); err != nil {
		// A lost record costs time only.
		stored.Record = rotation.Record{}
		if trust != nil {
			ctrl.LoggerFrom(ctx).Info("starting with an empty record of the rotation", "error", err.Error())
		}
	}
	return stored
}

// ownSecret returns the data of a Secret of the ExtensionAPI, nil when there is none, or it has another owner: using
// that of an earlier ExtensionAPI of the same name would be to speak in its name.
func (o *Observer) ownSecret(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI, namespace, name string,
) (map[string][]byte, error) {
	secret, err := o.secret(ctx, namespace, name)
	if secret == nil || !ownership.IdentityOf(extensionAPI).Owns(secret) {
		return nil, err
	}
	return secret.Data, err
}

// secret returns nil when there is no Secret.
func (o *Observer) secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := o.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return secret, nil
}
