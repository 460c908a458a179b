// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// member is a client of one etcd.
type member struct {
	url    string
	client *http.Client
}

func standaloneMember(t *testing.T) member {
	t.Helper()
	service := &corev1.Service{}
	key := client.ObjectKey{Namespace: sampleNamespace, Name: manifests.StandaloneName("wardle")}
	if err := kube.Get(t.Context(), key, service); err != nil {
		t.Fatal(err)
	}
	data := secretData(t, manifests.StorageSecretName("wardle"))
	server := types.NamespacedName{Namespace: sampleNamespace, Name: "wardle"}
	return member{
		url:    fmt.Sprintf("https://%s:%d", service.Spec.ClusterIP, manifests.EtcdPort),
		client: clientWith(t, data, manifests.StandaloneHost(server)),
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

// fill writes up to the quota. empty deletes that again, and where nobody else does so, ends the alarm.
func (m member) fill(t *testing.T, quota int, maintained bool) (empty func()) {
	t.Helper()
	value := bytes.Repeat([]byte("x"), 1<<20)
	for i := 0; ; i++ {
		if i > 2*quota>>20 {
			t.Fatalf("an etcd is not full with a quota of %d bytes", quota)
		}
		key := fmt.Appendf(nil, "/filler/%d", i)
		if m.post(context.WithoutCancel(t.Context()), "/v3/kv/put", map[string]any{"key": key, "value": value}, nil) != nil {
			break
		}
	}
	emptied := false
	return func() {
		if !emptied {
			emptied = true
			m.empty(t, maintained)
		}
	}
}

func (m member) empty(t *testing.T, maintained bool) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	var deleted struct{ Header struct{ Revision string } }
	err := m.post(ctx, "/v3/kv/deleterange",
		map[string]any{"key": []byte("/filler/"), "range_end": []byte("/filler0")}, &deleted)
	err = errors.Join(err, m.post(ctx, "/v3/kv/compaction",
		map[string]any{"revision": deleted.Header.Revision, "physical": true}, nil))
	if maintained {
		err = errors.Join(err, m.post(ctx, "/v3/maintenance/defragment", struct{}{}, nil), m.disarm(ctx))
	}
	if err != nil {
		t.Error(err)
	}
}

// disarm ends the alarm of each member, as etcdctl alarm disarm does.
func (m member) disarm(ctx context.Context) error {
	const path = "/v3/maintenance/alarm"
	var raised struct {
		Alarms []struct{ MemberID, Alarm string }
	}
	err := m.post(ctx, path, map[string]any{"action": "GET"}, &raised)
	for _, alarm := range raised.Alarms {
		err = errors.Join(err, m.post(ctx, path,
			map[string]any{"action": "DEACTIVATE", "alarm": alarm.Alarm, "memberID": alarm.MemberID}, nil))
	}
	return err
}

func (m member) post(ctx context.Context, path string, body, into any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	response, err := m.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.300s", path, response.Status, content)
	}
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(content, into)
}
