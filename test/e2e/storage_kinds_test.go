// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/test/etcdmember"
)

func inEtcd(t *testing.T) *stored {
	t.Helper()
	const secret = "stored-etcd-client"
	b := startEtcd(t)
	putSecret(t, secret, b.ca.issue(t, b.address))
	return &stored{
		ExtensionAPI: withStorage(t, v1alpha1.Storage{Etcd: &v1alpha1.EtcdStorage{
			Endpoints: []string{"https://" + b.endpoint()}, SecretRef: &v1alpha1.StorageSecretReference{Name: secret},
			Prefix: "/registry/wardle.example.com",
		}}),
		stop: b.stop, causes: []string{v1alpha1.ReasonStorageUnreachable},
		rotate: func(t *testing.T) {
			t.Helper()
			putSecret(t, secret, b.ca.issue(t, b.address))
			awaitCopied(t, secret)
		},
		rotateCA: func(t *testing.T) {
			t.Helper()
			b.rotateCA(t, secret, func() { awaitRevision(t, secret) })
		},
		fill: func(t *testing.T) func() {
			t.Helper()
			m := etcdmember.Member{URL: "https://" + b.endpoint(), Client: b.ca.client(t, b.address)}
			return fillMember(t, m, smallQuota, true)
		},
		fullCause: v1alpha1.ReasonStorageFull,
	}
}

func inPostgreSQL(t *testing.T) *stored {
	t.Helper()
	const secret = "stored-sql-client"
	b := startPostgreSQL(t, "first")
	putSecret(t, secret, map[string][]byte{manifests.DSNKey: b.dsn("first"), manifests.CABundleKey: b.ca.pem})
	return &stored{
		ExtensionAPI: withStorage(t, v1alpha1.Storage{SQL: &v1alpha1.SQLStorage{
			SecretRef: v1alpha1.StorageSecretReference{Name: secret},
		}}),
		stop: b.stop, causes: []string{v1alpha1.ReasonStorageUnreachable},
		rotate: func(t *testing.T) {
			t.Helper()
			b.setPassword(t, "second")
			putSecret(t, secret, map[string][]byte{manifests.DSNKey: b.dsn("second")})
			awaitRevision(t, secret)
		},
		rotateCA: func(t *testing.T) {
			t.Helper()
			b.rotateCA(t, secret, func() { awaitRevision(t, secret) })
		},
		// Reads go on, so nothing but failing writes shows it.
		fill: b.volume.fill,
	}
}

// rotateCA replaces the CA as docs/storage.md says: both are trusted before the new one is used.
func (b *backend) rotateCA(t *testing.T, secret string, awaitRollout func()) {
	t.Helper()
	before := b.ca
	b.ca = newAuthority(t)
	trusted := map[string][]byte{manifests.CABundleKey: slices.Concat(before.pem, b.ca.pem)}
	putSecret(t, b.serverSecret(), trusted)
	putSecret(t, secret, trusted)
	awaitRollout()
	b.restart(t)
	issued := b.ca.issue(t, b.address)
	delete(issued, manifests.CABundleKey)
	putSecret(t, b.serverSecret(), issued)
	b.restart(t)
	if secretData(t, secret)[corev1.TLSCertKey] != nil {
		putSecret(t, secret, issued)
		awaitCopied(t, secret)
	}
	putSecret(t, b.serverSecret(), map[string][]byte{manifests.CABundleKey: b.ca.pem})
	putSecret(t, secret, map[string][]byte{manifests.CABundleKey: b.ca.pem})
	awaitRollout()
	b.restart(t)
}

func secretData(t *testing.T, name string) map[string][]byte {
	t.Helper()
	data, err := readSecret(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readSecret(ctx context.Context, name string) (map[string][]byte, error) {
	secret := &corev1.Secret{}
	err := kube.Get(ctx, client.ObjectKey{Namespace: sampleNamespace, Name: name}, secret)
	return secret.Data, err
}

// awaitCopied waits until Pods are given what is in the Secret: the operator reads it every 30 s.
func awaitCopied(t *testing.T, name string) {
	t.Helper()
	wanted := secretData(t, name)
	eventually(t, storageReported, func(ctx context.Context) error {
		copied, err := readSecret(ctx, manifests.StorageSecretName("wardle"))
		if err != nil {
			return err
		}
		for key, value := range wanted {
			if !bytes.Equal(copied[key], value) {
				return fmt.Errorf("%s is not copied", key)
			}
		}
		return nil
	})
}

// awaitRevision waits until all Pods run with what is in the Secret.
func awaitRevision(t *testing.T, name string) {
	t.Helper()
	awaitCopied(t, name)
	eventually(t, storageRecovered, func(ctx context.Context) error {
		data, err := readSecret(ctx, manifests.StorageSecretName("wardle"))
		pods, listErr := readServerPods(ctx)
		if err := errors.Join(err, listErr); err != nil {
			return err
		}
		for _, pod := range pods {
			if !isReady(pod) || pod.Annotations[manifests.StorageRevisionAnnotation] != string(data[manifests.RevisionKey]) {
				return fmt.Errorf("Pod %s is not ready with revision %s", pod.Name, data[manifests.RevisionKey])
			}
		}
		return nil
	})
}

func inStandalone(t *testing.T) *stored {
	t.Helper()
	makeVolume(t, "stored-standalone", sizeOf.String())
	standalone := &v1alpha1.StandaloneStorage{Size: &sizeOf, VolumeRetentionPolicy: v1alpha1.VolumeDelete}
	return &stored{
		ExtensionAPI: withStorage(t, v1alpha1.Storage{Standalone: standalone}),
		stop: func(t *testing.T) func() {
			t.Helper()
			return stop(t, etcdPod(t)) // the operator reverts a StatefulSet that is scaled
		},
		causes: []string{
			v1alpha1.ReasonStorageUnreachable, v1alpha1.ReasonUnhealthy, v1alpha1.ReasonStorageStarting,
			v1alpha1.ReasonCrashLoopBackOff,
		},
		rotate:   renewStandalone,
		rotateCA: replaceStandaloneCA,
		fill: func(t *testing.T) func() {
			t.Helper()
			return fillMember(t, standaloneMember(t), int(manifests.StandaloneQuota(standalone)), false)
		},
		fullCause: v1alpha1.ReasonStorageFull,
	}
}

func etcdPod(t *testing.T) corev1.Pod {
	t.Helper()
	pods, err := labelledPods(t.Context(), manifests.ComponentLabel, manifests.EtcdComponent)
	if err != nil || len(pods) != 1 {
		t.Fatalf("there are %d Pods of the etcd (%v)", len(pods), err)
	}
	return pods[0]
}

// renewStandalone has the operator renew the certificate: it finds one that expires soon.
func renewStandalone(t *testing.T) {
	t.Helper()
	trust := &corev1.Secret{}
	key := client.ObjectKey{Namespace: operatorNamespace, Name: manifests.StorageTrustSecretName("wardle")}
	if err := kube.Get(t.Context(), key, trust); err != nil {
		t.Fatal(err)
	}
	server := types.NamespacedName{Namespace: sampleNamespace, Name: "wardle"}
	pair, err := pki.KeyPairOf(trust.Data).Issue(pki.Request{
		DNSNames: manifests.StandaloneNames(server), KeyAlgorithm: v1alpha1.KeyECDSA256,
		ForClients: true, Validity: time.Hour,
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	name := manifests.StorageSecretName("wardle")
	putSecret(t, name, map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key})
	eventually(t, time.Minute, func(ctx context.Context) error {
		data, err := readSecret(ctx, name)
		if err == nil && bytes.Equal(data[corev1.TLSCertKey], pair.Certificate) {
			return errors.New("the certificate is not renewed")
		}
		return err
	})
}

// replaceStandaloneCA takes the key of the CA away from the operator, so that it needs another one.
func replaceStandaloneCA(t *testing.T) {
	t.Helper()
	trust := &corev1.Secret{}
	key := client.ObjectKey{Namespace: operatorNamespace, Name: manifests.StorageTrustSecretName("wardle")}
	if err := kube.Get(t.Context(), key, trust); err != nil {
		t.Fatal(err)
	}
	before := trust.Data[corev1.TLSCertKey]
	trust.Data[corev1.TLSPrivateKeyKey] = []byte("?")
	if err := kube.Update(t.Context(), trust); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*rotated, func(ctx context.Context) error {
		data, err := readSecret(ctx, manifests.StorageSecretName("wardle"))
		if err == nil && bytes.Contains(data[manifests.CABundleKey], bytes.TrimSpace(before)) {
			return errors.New("the earlier CA is still trusted")
		}
		return err
	})
}
