// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const (
	// DSNKey is the key of the data source name of a database.
	DSNKey = "dsn"
	// RevisionKey is the key of what changes when Pods have to be replaced, since they read the content once.
	RevisionKey = "revision"
	// StoragePath is where the server's container, etcd and kine have the CA and the certificate.
	StoragePath = "/var/run/extensionapi/storage"
	// StorageRevisionAnnotation is on Pods, and names the revision of the Secret that they started with.
	StorageRevisionAnnotation = OwnPrefix + "storage-revision"

	storageVolume = "extensionapi-storage"
)

// Images are those of what the operator runs for the storage of servers.
type Images struct {
	Etcd, Kine string
}

// Storage is what Pods depend on of their storage.
type Storage struct {
	// Revision is that of the Secret, empty while there is none.
	Revision string
	// Keys are those of the Secret.
	Keys []string
	// Address is the IP address of the Service of a standalone etcd, empty while it has none.
	Address string
}

// StorageOf is nil for a server whose template configures its storage.
func StorageOf(extensionAPI *v1alpha1.ExtensionAPI) *v1alpha1.Storage {
	return ptr.Deref(extensionAPI.Spec.Server, v1alpha1.Server{}).Storage
}

// HasStorage reports whether the operator configures the storage.
func HasStorage(extensionAPI *v1alpha1.ExtensionAPI) bool { return StorageOf(extensionAPI) != nil }

// HasStandalone reports whether the operator runs an etcd.
func HasStandalone(extensionAPI *v1alpha1.ExtensionAPI) bool {
	storage := StorageOf(extensionAPI)
	return storage != nil && storage.Standalone != nil
}

// HasStorageSecret reports whether the server's Pods mount what they need to reach their storage.
func HasStorageSecret(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return HasStandalone(extensionAPI) || ProvidedStorageName(extensionAPI) != ""
}

// StorageSecretName returns the name of the Secret that the server's Pods mount, in their namespace.
func StorageSecretName(name string) string { return name + "-storage" }

// StorageTrustSecretName returns the name of the Secret with the CA of a standalone etcd, in the operator's namespace.
// No ExtensionAPI has a '.' in its name, so that no other one has a Secret of this name.
func StorageTrustSecretName(name string) string { return name + ".storage-trust" }

// ProvidedStorageName is the name of the Secret that another owner writes, empty where there is none.
func ProvidedStorageName(extensionAPI *v1alpha1.ExtensionAPI) string {
	storage := ptr.Deref(StorageOf(extensionAPI), v1alpha1.Storage{})
	switch {
	case storage.Etcd != nil && storage.Etcd.SecretRef != nil:
		return storage.Etcd.SecretRef.Name
	case storage.SQL != nil:
		return storage.SQL.SecretRef.Name
	default:
		return ""
	}
}

// StorageSecret contains what the server needs to reach its storage, in its namespace.
func StorageSecret(extensionAPI *v1alpha1.ExtensionAPI, data map[string][]byte) *core.SecretApplyConfiguration {
	return core.Secret(StorageSecretName(extensionAPI.Name), extensionAPI.Spec.Server.Namespace).
		WithLabels(objectLabels(extensionAPI)).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithType(corev1.SecretTypeOpaque).
		WithData(data)
}

// StorageTrustSecret contains the CA of a standalone etcd, its bundle and the record of its rotation.
func StorageTrustSecret(
	extensionAPI *v1alpha1.ExtensionAPI, operatorNamespace string, signer pki.KeyPair, bundle, record []byte,
) *core.SecretApplyConfiguration {
	secret := TrustSecret(extensionAPI, operatorNamespace, signer, bundle, record)
	return secret.WithName(StorageTrustSecretName(extensionAPI.Name))
}

// fillStorage gives the server what it needs to reach its storage.
func fillStorage(pod *corev1.PodSpec, w Workload, observed Observed) {
	storage, have := w.server.Storage, observed.Storage
	if storage == nil {
		return
	}
	if len(have.Keys) > 0 {
		addVolume(pod, corev1.Volume{Name: storageVolume, VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: StorageSecretName(w.Name)},
		}})
	}
	if storage.SQL != nil {
		fillKine(pod, w, observed)
	}
	if storage.Standalone != nil {
		// Nothing but the Service is needed to find it, not even a DNS.
		pod.HostAliases = append(pod.HostAliases, corev1.HostAlias{
			IP: have.Address, Hostnames: []string{StandaloneHost(w.NamespacedName)},
		})
	}
	container := serverContainer(pod)
	if container == nil {
		return
	}
	container.Args = append(container.Args, storageFlags(w, have)...)
	if storage.SQL == nil && len(have.Keys) > 0 {
		addMount(container, storageMount)
	}
}

// storageFlags are those of k8s.io/apiserver (pkg/server/options/etcd.go).
func storageFlags(w Workload, have Storage) []string {
	switch storage := w.server.Storage; {
	case storage.Etcd != nil:
		flags := []string{"--etcd-servers=" + strings.Join(storage.Etcd.Endpoints, ",")}
		if storage.Etcd.Prefix != "" {
			flags = append(flags, "--etcd-prefix="+storage.Etcd.Prefix)
		}
		return append(flags, certificateFlags(have.Keys, "--etcd-cafile=", "--etcd-certfile=", "--etcd-keyfile=")...)
	case storage.Standalone != nil:
		flags := []string{"--etcd-servers=" + StandaloneURL(w.NamespacedName)}
		return append(flags, certificateFlags(have.Keys, "--etcd-cafile=", "--etcd-certfile=", "--etcd-keyfile=")...)
	default:
		return []string{"--etcd-servers=" + kineURL}
	}
}

// certificateFlags are those of a CA, a certificate and its key, as far as the Secret has them.
func certificateFlags(keys []string, authority, certificate, key string) (flags []string) {
	for _, file := range []struct{ flag, key string }{
		{authority, CABundleKey}, {certificate, corev1.TLSCertKey}, {key, corev1.TLSPrivateKeyKey},
	} {
		if slices.Contains(keys, file.key) {
			flags = append(flags, file.flag+StoragePath+"/"+file.key)
		}
	}
	return flags
}

var storageMount = corev1.VolumeMount{Name: storageVolume, MountPath: StoragePath, ReadOnly: true}

// addVolume adds a volume, unless the template has one of this name.
func addVolume(pod *corev1.PodSpec, volume corev1.Volume) {
	if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == volume.Name }) {
		pod.Volumes = append(pod.Volumes, volume)
	}
}

// addMount mounts a volume, unless the template mounts it or another one there.
func addMount(container *corev1.Container, mount corev1.VolumeMount) {
	if !slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool {
		return m.Name == mount.Name || m.MountPath == mount.MountPath
	}) {
		container.VolumeMounts = append(container.VolumeMounts, mount)
	}
}

// serverContainer is the container that serves the API, nil where a template lacks it.
func serverContainer(pod *corev1.PodSpec) *corev1.Container {
	i := slices.IndexFunc(pod.Containers, func(c corev1.Container) bool { return c.Name == v1alpha1.ServerContainer })
	if i < 0 {
		return nil
	}
	return &pod.Containers[i]
}
