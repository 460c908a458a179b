// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get;list;watch;create;patch;delete

// certManagerSource asks cert-manager for a certificate, and then takes it as any that somebody else brings.
func (r *Reconciler) certManagerSource(ctx context.Context, s *scope, stored storedCertificates) (
	source certificateSource, problem verdict, err error,
) {
	// The Certificate is not watched, as its kind may not exist.
	s.requeueAfter(interval(s))
	_, err = r.Applier.Apply(ctx, manifests.Certificate(s.ExtensionAPI, servingNames(s)))
	if meta.IsNoMatchError(err) {
		return certificateSource{}, bad(v1alpha1.ReasonCertManagerMissing, "cert-manager is not installed: the cluster does "+
			"not know its Certificates; install it, or choose another source in spec.certificates", working), nil
	}
	if v, refused := refusalVerdict(err); refused {
		return certificateSource{}, v, nil
	}
	if err != nil {
		return certificateSource{}, verdict{}, err
	}
	source, problem, err = r.providedSource(ctx, s, manifests.CertManagerName(s.Name), stored)
	if err == nil && problem.reason == v1alpha1.ReasonSecretNotFound {
		problem.message, err = r.certManagerSays(ctx, s)
	}
	return source, problem, err
}

// certManagerSays repeats why cert-manager has not issued the certificate yet.
func (r *Reconciler) certManagerSays(ctx context.Context, s *scope) (string, error) {
	certificate := &unstructured.Unstructured{}
	certificate.SetGroupVersionKind(manifests.CertificateKind)
	key := client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: manifests.CertManagerName(s.Name)}
	if err := r.Live.Get(ctx, key, certificate); err != nil {
		return "", err
	}
	told := "nothing yet; does cert-manager run?"
	conditions, _, _ := unstructured.NestedSlice(certificate.Object, "status", "conditions")
	for _, condition := range conditions {
		if message, _, _ := unstructured.NestedString(asMap(condition), "message"); message != "" {
			told = message
		}
	}
	return fmt.Sprintf("waiting for cert-manager to issue Certificate %s, of which it says: %s", key, told), nil
}

func asMap(value any) map[string]any {
	result, _ := value.(map[string]any)
	return result
}

// removeCertManager deletes what cert-manager was asked for and has brought, after the spec has changed its mind.
func (r *Reconciler) removeCertManager(ctx context.Context, s *scope) error {
	if observed := s.before.Status.ObservedGeneration; observed <= 0 || observed == s.Generation {
		return nil
	}
	_, err := r.remove(ctx, s, certManagerObjects(s))
	return err
}

func certManagerObjects(s *scope) []ownedObject {
	key := client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: manifests.CertManagerName(s.Name)}
	return []ownedObject{
		{manifests.CertificateKind, key},
		{corev1.SchemeGroupVersion.WithKind("Secret"), key},
	}
}
