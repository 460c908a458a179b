// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const servingHost = "wardle." + sampleNamespace + ".svc"

// observation is the externally visible state of the server's certificates and Pods.
type observation struct {
	restarts map[types.UID]int32
	leaf     *x509.Certificate
	ca       *x509.Certificate
}

// look checks that all Pods serve one certificate, and that all APIServices trust one CA, which has issued it.
func look(t *testing.T) observation {
	t.Helper()
	seen := observation{restarts: map[types.UID]int32{}, ca: trusted(t)}
	pods, err := serverPods(t.Context(), ownerLabel)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		seen.restarts[pod.UID] = pod.Status.ContainerStatuses[0].RestartCount
		if seen.leaf, err = servedBy(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
	}
	if err := allServe(ownerLabel, seen.leaf)(t.Context()); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(seen.ca)
	if _, err := seen.leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: servingHost}); err != nil {
		t.Errorf("kube-apiserver does not trust what is served: %v", err)
	}
	return seen
}

// trusted returns the one CA that the APIServices trust.
func trusted(t *testing.T) *x509.Certificate {
	t.Helper()
	var ca *x509.Certificate
	for _, apiService := range apiServices(t) {
		cas := parse(t, apiService.Spec.CABundle)
		if len(cas) != 1 || ca != nil && !ca.Equal(cas[0]) {
			t.Fatalf("%s trusts %d CAs, or another one than the other APIServices", apiService.Name, len(cas))
		}
		ca = cas[0]
	}
	return ca
}

func apiServices(t *testing.T) []apiregistrationv1.APIService {
	t.Helper()
	var found []apiregistrationv1.APIService
	for _, version := range []string{"v1beta1", "v1alpha1"} {
		apiService := apiregistrationv1.APIService{}
		if err := kube.Get(t.Context(), client.ObjectKey{Name: version + "." + flunderGroup}, &apiService); err != nil {
			t.Fatal(err)
		}
		found = append(found, apiService)
	}
	return found
}

// allServe succeeds when every Pod serves the certificate.
func allServe(label string, leaf *x509.Certificate) func(context.Context) error {
	return func(ctx context.Context) error {
		pods, err := serverPods(ctx, label)
		errs := []error{err}
		for _, pod := range pods {
			served, err := servedBy(ctx, pod)
			if err == nil && !served.Equal(leaf) {
				err = fmt.Errorf("%s serves another certificate", pod.Name)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// servedBy returns the certificate that a Pod serves in a TLS handshake.
func servedBy(ctx context.Context, pod corev1.Pod) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{ServerName: servingHost, InsecureSkipVerify: true}}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(pod.Status.PodIP, "8443"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pod.Name, err)
	}
	defer func() { _ = connection.Close() }()
	secured, ok := connection.(*tls.Conn)
	if !ok {
		return nil, fmt.Errorf("%s: the connection is a %T", pod.Name, connection)
	}
	return secured.ConnectionState().PeerCertificates[0], nil
}

// mustNotContainKey fails if any Secret in the server's namespace contains the key of a CA.
func mustNotContainKey(t *testing.T, cas ...*x509.Certificate) {
	t.Helper()
	secrets := &corev1.SecretList{}
	if err := kube.List(t.Context(), secrets, client.InNamespace(sampleNamespace)); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, secret := range secrets.Items {
		for name, value := range secret.Data {
			parsed, err := keyutil.ParsePrivateKeyPEM(value)
			if err != nil {
				continue // not a key
			}
			found++
			for _, ca := range cas {
				if isKeyOf(parsed, ca) {
					t.Errorf("Secret %s contains the key of a CA in %s", secret.Name, name)
				}
			}
		}
	}
	if found == 0 {
		t.Error("found no key, not even that of the serving certificate")
	}
}

func isKeyOf(key any, certificate *x509.Certificate) bool {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return false
	}
	public, ok := signer.Public().(interface {
		Equal(key crypto.PublicKey) bool
	})
	return ok && public.Equal(certificate.PublicKey)
}

func parse(t *testing.T, certificates []byte) []*x509.Certificate {
	t.Helper()
	parsed, err := cert.ParseCertsPEM(certificates)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
