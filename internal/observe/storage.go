// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// storage reads what spec.server.storage consists of.
func (o *Observer) storage(ctx context.Context, s *snapshot.Snapshot) (read snapshot.Storage, err error) {
	if !manifests.HasStorage(s.ExtensionAPI) || !s.RunsServer() {
		return read, nil
	}
	read.Look, read.Ended = o.Storage.Result(s.Name, "")
	if !manifests.HasStorageSecret(s.ExtensionAPI) {
		return read, nil
	}
	namespace := s.Spec.Server.Namespace
	read.Stored, err = o.ownSecret(ctx, s.ExtensionAPI, namespace, manifests.StorageSecretName(s.Name))
	if err != nil {
		return read, err
	}
	if name := manifests.ProvidedStorageName(s.ExtensionAPI); name != "" {
		read.Provided, err = o.secret(ctx, namespace, name)
		return read, err
	}
	if manifests.HasStandalone(s.ExtensionAPI) {
		err = o.standalone(ctx, s, &read)
	}
	return read, err
}

// standalone reads what runs as a standalone etcd, and its certificates.
func (o *Observer) standalone(ctx context.Context, s *snapshot.Snapshot, read *snapshot.Storage) error {
	trust, err := o.ownSecret(ctx, s.ExtensionAPI, o.OperatorNamespace, manifests.StorageTrustSecretName(s.Name))
	if err != nil {
		return err
	}
	read.Certificates = storedFrom(ctx, trust, read.Stored)
	read.Causes, _ = o.Causes.Result(s.Name, "")
	service, pods := &corev1.Service{}, &corev1.PodList{}
	key := client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: manifests.StandaloneName(s.Name)}
	switch err := o.Client.Get(ctx, key, service); {
	case client.IgnoreNotFound(err) != nil:
		return err
	case err == nil && ownership.IdentityOf(s.ExtensionAPI).Owns(service):
		read.Address = service.Spec.ClusterIP
	}
	err = o.Client.List(ctx, pods, client.InNamespace(key.Namespace),
		client.MatchingLabels(manifests.StandaloneLabels(s.Name)))
	for i := range pods.Items {
		if isOf(&pods.Items[i], key.Name) {
			read.Pods = append(read.Pods, pods.Items[i])
		}
	}
	return err
}

// isOf reports whether a Pod is of the StatefulSet of that name.
func isOf(pod *corev1.Pod, name string) bool {
	controller := metav1.GetControllerOf(pod)
	return controller != nil && controller.Kind == inventory.StatefulSet.Kind && controller.Name == name
}
