// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// Storage is what a server's storage consists of, read where spec.server.storage is set.
type Storage struct {
	// Stored is the data of the Secret that Pods mount, nil where there is none.
	Stored map[string][]byte
	// Provided is the Secret that another owner writes, nil where there is none.
	Provided *corev1.Secret
	// Certificates are those of a standalone etcd.
	Certificates rotation.Stored
	// Address is the IP address of its Service, empty where there is none.
	Address string
	// Pods are its own, and Causes why they are not ready.
	Pods   []corev1.Pod
	Causes map[types.UID]workload.Cause
	// Look is the last one, which ended then; zero while there is none.
	Look  storage.Look
	Ended time.Time
}

// Observed is what Pods depend on.
func (s Storage) Observed() manifests.Storage {
	observed := manifests.Storage{Revision: string(s.Stored[manifests.RevisionKey]), Address: s.Address}
	for _, key := range slices.Sorted(maps.Keys(s.Stored)) {
		if key != manifests.RevisionKey {
			observed.Keys = append(observed.Keys, key)
		}
	}
	return observed
}

// StorageReady reports whether Pods of the server can be given what they need to reach their storage.
func (s *Snapshot) StorageReady() bool {
	wanted := manifests.StorageOf(s.ExtensionAPI)
	if wanted == nil {
		return true
	}
	read, known := s.Storage.Get()
	switch observed := read.Observed(); {
	case !known:
		return false
	case wanted.Standalone != nil:
		return observed.Revision != "" && observed.Address != ""
	default:
		return observed.Revision != "" || manifests.ProvidedStorageName(s.ExtensionAPI) == ""
	}
}

// ServerAddresses are those of the replicas of the server that run, by the UIDs of their Pods.
func (s *Snapshot) ServerAddresses() map[types.UID]string {
	addresses := map[types.UID]string{}
	for _, pod := range s.Server.Value().Pods {
		if pod.DeletionTimestamp == nil && pod.Status.PodIP != "" && workload.MayServe(&pod) {
			addresses[pod.UID] = endpoints.OfPod(&pod, manifests.ServerPort(&pod, s.Spec.Server)).Address
		}
	}
	return addresses
}
