// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch

// namespace reads the namespace of the server.
func (o *Observer) namespace(ctx context.Context, s *snapshot.Snapshot) {
	namespace := &corev1.Namespace{}
	err := o.Client.Get(ctx, client.ObjectKey{Name: s.Backend.Namespace}, namespace)
	s.Namespace = snapshot.Of(stateOf(namespace, err))
	s.AssignsUsers = namespace.Annotations[manifests.AssignedUsersAnnotation] != ""
}

// stateOf is what reading a namespace shows.
func stateOf(namespace client.Object, err error) (snapshot.Namespace, error) {
	switch {
	case apierrors.IsNotFound(err):
		return snapshot.Missing, nil
	case err != nil:
		return snapshot.Active, err
	case !namespace.GetDeletionTimestamp().IsZero():
		return snapshot.Terminating, nil
	default:
		return snapshot.Active, nil
	}
}
