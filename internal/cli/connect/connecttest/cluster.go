// SPDX-License-Identifier: Apache-2.0

// Package connecttest has a cluster for tests.
package connecttest

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// Cluster returns a cluster of which a handler stands for kube-apiserver.
func Cluster(tb testing.TB, handler http.Handler) *connect.Cluster {
	tb.Helper()
	server := httptest.NewTLSServer(handler)
	tb.Cleanup(server.Close)
	cluster, err := connect.With(&rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if err != nil {
		tb.Fatal(err)
	}
	return cluster
}

// Several returns a cluster of several kube-apiservers, with a handler for each: the kubeconfig leads to the first.
func Several(tb testing.TB, handlers ...http.Handler) *connect.Cluster {
	tb.Helper()
	list := &discoveryv1.EndpointSliceList{}
	authority, certificate := certificates(tb)
	config := &rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: authority, ServerName: kubernetesService}}
	for _, handler := range handlers {
		server := httptest.NewUnstartedServer(listing(list, handler))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		server.EnableHTTP2 = true
		server.StartTLS()
		tb.Cleanup(server.Close)
		if config.Host == "" {
			config.Host = server.URL
		}
		address := netip.MustParseAddrPort(server.Listener.Addr().String())
		list.Items = append(list.Items, discoveryv1.EndpointSlice{
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address.Addr().String()}}},
			Ports:       []discoveryv1.EndpointPort{{Name: new("https"), Port: new(int32(address.Port()))}},
		})
	}
	cluster, err := connect.With(config)
	if err != nil {
		tb.Fatal(err)
	}
	return cluster
}

// kubernetesService is a name in the certificate of every kube-apiserver.
const kubernetesService = "kubernetes.default.svc"

func certificates(tb testing.TB) (authority []byte, serving tls.Certificate) {
	tb.Helper()
	now := clock.RealClock{}.Now()
	signer, err := pki.NewSigner("kubernetes", now, time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	pair, err := signer.IssueServing([]string{kubernetesService}, now, time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	serving, err = tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		tb.Fatal(err)
	}
	return signer.Certificate, serving
}

// listing answers for the EndpointSlices of Service default/kubernetes.
func listing(list *discoveryv1.EndpointSliceList, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list)
	})
}

var decoder = serializer.NewCodecFactory(kinds.Scheme()).UniversalDeserializer()

// Permitting answers reviews of the user's own permissions: everything is permitted but these verbs.
func Permitting(next http.Handler, denied ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		review := &authorizationv1.SelfSubjectAccessReview{}
		if err == nil { // it comes as protobuf
			_, _, err = decoder.Decode(body, nil, review)
		}
		if err != nil || review.Spec.ResourceAttributes == nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		review.TypeMeta = metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"}
		review.Status.Allowed = !slices.Contains(denied, review.Spec.ResourceAttributes.Verb)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(review)
	})
}
