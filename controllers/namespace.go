// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
)

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch

// reconcileNamespace finds out whether there is a namespace for the server to be in, and whether it may be there.
func (r *Reconciler) reconcileNamespace(ctx context.Context, s *scope) error {
	namespace := inventory.Metadata(corev1.SchemeGroupVersion.WithKind("Namespace"))
	err := r.Client.Get(ctx, client.ObjectKey{Name: s.backend.Namespace}, namespace)
	switch {
	case apierrors.IsNotFound(err):
		s.namespace = namespaceMissing
	case err != nil:
		return err
	case !namespace.DeletionTimestamp.IsZero():
		s.namespace = namespaceTerminating
	}
	s.outOfReach = s.Spec.Server != nil && !r.ServerNamespaces.include(s.backend.Namespace)
	v, found := namespaceVerdict(s.backend.Namespace, s.namespace)
	if !found && s.outOfReach {
		v, found = r.ServerNamespaces.outOfReach(s.backend.Namespace), true
	}
	if found {
		s.conclude(v1alpha1.ConditionServerAvailable, v)
		if s.Spec.Server != nil {
			s.conclude(v1alpha1.ConditionCertificatesReady, v)
		}
	}
	return nil
}

// namespaceVerdict is found only where the namespace stands in the way.
func namespaceVerdict(name string, state namespaceState) (v finding.Finding, found bool) {
	switch state {
	case namespaceMissing:
		return finding.Bad(v1alpha1.ReasonNamespaceNotFound, fmt.Sprintf(
			"namespace %q does not exist; create it: kubectl create namespace %s", name, name), finding.Working), true
	case namespaceTerminating:
		return finding.Bad(v1alpha1.ReasonNamespaceTerminating, fmt.Sprintf(
			"namespace %q is being deleted, and the server with it; its APIServices have been removed so that the rest of "+
				"the cluster is not affected. Delete the ExtensionAPI, or create the namespace again when it is gone", name),
			finding.Working), true
	default:
		return finding.Finding{}, false
	}
}
