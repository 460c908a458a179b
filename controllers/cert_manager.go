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

// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get;create;patch;delete
// +kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests,verbs=list

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

// certManagerSays repeats why cert-manager has not issued the certificate yet: the cause stands on its requests, which
// carry the Certificate's labels.
func (r *Reconciler) certManagerSays(ctx context.Context, s *scope) (string, error) {
	requests := &unstructured.UnstructuredList{}
	requests.SetGroupVersionKind(manifests.CertificateKind.GroupVersion().WithKind("CertificateRequestList"))
	err := r.Live.List(ctx, requests, client.InNamespace(s.Spec.Server.Namespace),
		client.MatchingLabels(manifests.Labels(s.Name)))
	return certManagerMessage(manifests.CertManagerName(s.Name), requests.Items), err
}

func certManagerMessage(name string, requests []unstructured.Unstructured) string {
	told := "waiting for cert-manager to issue Certificate " + name
	for _, request := range requests {
		conditions, _, _ := unstructured.NestedSlice(request.Object, "status", "conditions")
		for _, condition := range conditions {
			fields, _ := condition.(map[string]any)
			if fields["type"] == "Ready" && fields["status"] != "True" {
				return fmt.Sprintf("%s, of which it says: %v", told, fields["message"])
			}
		}
	}
	return told + "; if that lasts, look at it: kubectl describe certificate " + name
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
