// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// StopStorage deletes a standalone etcd, which keeps a snapshot on its volume, and returns what it waits for. One that
// the spec does not have is of an earlier ExtensionAPI, and is left alone.
func (a *Actor) StopStorage(ctx context.Context, s *snapshot.Snapshot) (
	waitingFor string, notes []finding.Note, err error,
) {
	if !manifests.HasStandalone(s.ExtensionAPI) {
		return "", nil, nil
	}
	applier := a.For(s.ExtensionAPI)
	if released, err := a.releaseVolume(ctx, s, applier); err != nil || !released {
		return "the StatefulSet controller to take note of volumeRetentionPolicy", nil, err
	}
	waitingFor, err = a.removeAll(ctx, s, applier, inventory.DeletedAt(inventory.StopStorage))
	return waitingFor, nil, err
}

// releaseVolume has the volume deleted with its StatefulSet where the spec requests that, and reports whether the
// StatefulSet controller has taken note of it. Until then the volume is kept, whatever happens to the StatefulSet; once
// that is being deleted, the controller does nothing more (k8s.io/kubernetes
// pkg/controller/statefulset/stateful_set_control.go).
func (a *Actor) releaseVolume(ctx context.Context, s *snapshot.Snapshot, applier *apply.Applier) (bool, error) {
	if s.Spec.Server.Storage.Standalone.VolumeRetentionPolicy != v1alpha1.VolumeDelete || !s.InReach() {
		return true, nil
	}
	key := client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: manifests.StandaloneName(s.Name)}
	etcd := &appsv1.StatefulSet{}
	err := a.Live.Get(ctx, key, etcd)
	if err != nil || etcd.DeletionTimestamp != nil || !ownership.IdentityOf(s.ExtensionAPI).Owns(etcd) {
		return client.IgnoreNotFound(err) == nil, client.IgnoreNotFound(err)
	}
	retention := etcd.Spec.PersistentVolumeClaimRetentionPolicy
	if retention == nil || retention.WhenDeleted != appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
		_, err := applier.Patch(ctx, etcd, func() {
			etcd.Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
				WhenDeleted: appsv1.DeletePersistentVolumeClaimRetentionPolicyType,
				WhenScaled:  appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
			}
		})
		return false, err
	}
	return etcd.Status.ObservedGeneration >= etcd.Generation, nil
}
