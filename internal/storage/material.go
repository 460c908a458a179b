// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// maxDSN bounds a data source name, in bytes.
const maxDSN = 8 << 10

// keysOf are those of the Secret that a kind of storage uses.
func keysOf(storage *v1alpha1.Storage) []string {
	keys := []string{manifests.CABundleKey, corev1.TLSCertKey, corev1.TLSPrivateKeyKey}
	if storage.SQL != nil {
		keys = append(keys, manifests.DSNKey)
	}
	return keys
}

// Provided returns what Pods get of the data of another owner's Secret, and why that is invalid: an error says which
// key is wrong, and what to change.
func Provided(storage *v1alpha1.Storage, data map[string][]byte, now time.Time) (map[string][]byte, error) {
	used := map[string][]byte{}
	for _, key := range keysOf(storage) {
		if len(data[key]) > 0 {
			used[key] = data[key]
		}
	}
	if err := pki.CheckClient(pki.KeyPairOf(used), used[manifests.CABundleKey], storage.Etcd != nil, now); err != nil {
		return nil, err
	}
	if storage.SQL == nil {
		return used, nil
	}
	dsn := used[manifests.DSNKey]
	if len(dsn) > maxDSN {
		return nil, errDSN
	}
	_, _, err := ParseDSN(string(dsn))
	return used, err
}

// WithRevision returns the data to store, with the revision of what is stored as long as nothing changed that Pods read
// only once: k8s.io/apiserver and etcd read a certificate and its key for each connection, but CAs when they start;
// kine reads everything then.
func WithRevision(
	storage *v1alpha1.Storage, stored, wanted map[string][]byte, now time.Time,
) map[string][]byte {
	result := maps.Clone(wanted)
	revision := stored[manifests.RevisionKey]
	if len(revision) == 0 || !isSameAtStart(storage, stored, wanted) {
		revision = []byte(now.UTC().Format("20060102T150405.000"))
	}
	result[manifests.RevisionKey] = revision
	return result
}

func isSameAtStart(storage *v1alpha1.Storage, stored, wanted map[string][]byte) bool {
	return !slices.ContainsFunc(keysOf(storage), func(key string) bool {
		before, after := stored[key], wanted[key]
		if storage.SQL != nil || key == manifests.CABundleKey {
			return !bytes.Equal(before, after)
		}
		return (len(before) == 0) != (len(after) == 0) // a flag
	})
}
