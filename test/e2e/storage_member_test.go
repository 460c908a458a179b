// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/etcdmember"
)

func standaloneMember(t *testing.T) etcdmember.Member {
	t.Helper()
	service := &corev1.Service{}
	key := client.ObjectKey{Namespace: sampleNamespace, Name: manifests.StandaloneName("wardle")}
	if err := kube.Get(t.Context(), key, service); err != nil {
		t.Fatal(err)
	}
	data := secretData(t, manifests.StorageSecretName("wardle"))
	server := types.NamespacedName{Namespace: sampleNamespace, Name: "wardle"}
	return etcdmember.Member{
		URL:    fmt.Sprintf("https://%s:%d", service.Spec.ClusterIP, manifests.EtcdPort),
		Client: clientWith(t, data, manifests.StandaloneHost(server)),
	}
}

func (a authority) client(t *testing.T, address string) *http.Client {
	t.Helper()
	return clientWith(t, a.issue(t, address), address)
}

func clientWith(t *testing.T, data map[string][]byte, serverName string) *http.Client {
	t.Helper()
	pair, err := tls.X509KeyPair(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(data[manifests.CABundleKey])
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{pair}, ServerName: serverName,
	}}}
}

// fillMember writes up to the quota. empty deletes that again, and for an etcd that the test maintains, ends the alarm.
func fillMember(t *testing.T, m etcdmember.Member, quota int, maintained bool) (empty func()) {
	t.Helper()
	const prefix = "/filler/"
	ctx := context.WithoutCancel(t.Context())
	if err := m.Fill(ctx, prefix, quota); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		revision, err := m.Delete(ctx, prefix)
		if maintained {
			err = errors.Join(err, m.Compact(ctx, revision), m.Maintain(ctx))
		}
		if err != nil {
			t.Error(err)
		}
	})
}
