// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch

// namespace reads the state of a namespace.
func (o *Observer) namespace(ctx context.Context, name string) (snapshot.Namespace, error) {
	namespace := inventory.Metadata(corev1.SchemeGroupVersion.WithKind("Namespace"))
	err := o.Client.Get(ctx, client.ObjectKey{Name: name}, namespace)
	switch {
	case apierrors.IsNotFound(err):
		return snapshot.Missing, nil
	case err != nil:
		return snapshot.Active, err
	case !namespace.DeletionTimestamp.IsZero():
		return snapshot.Terminating, nil
	default:
		return snapshot.Active, nil
	}
}
