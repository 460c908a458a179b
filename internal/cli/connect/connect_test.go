// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/rest"
)

func TestRequestsGoToTheServerOfTheKubeconfig(t *testing.T) {
	var requested string
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requested = r.URL.RequestURI() + " " + r.Header.Get("Authorization") + " " + r.Host
	}))
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "https://")
	for path, want := range map[string]string{
		"":             "/apis/a/v1?limit=1 Bearer secret " + address,
		"/":            "/apis/a/v1?limit=1 Bearer secret " + address,
		"/k8s/cluster": "/k8s/cluster/apis/a/v1?limit=1 Bearer secret " + address,
	} {
		cluster, err := With(&rest.Config{
			Host: server.URL + path, BearerToken: "secret", TLSClientConfig: rest.TLSClientConfig{Insecure: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		response, err := cluster.Get(t.Context(), "/apis/a/v1?limit=1", http.Header{})
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if requested != want {
			t.Errorf("with path %q: %q, want %q", path, requested, want)
		}
	}
}

func TestARequestThatFailsHasAnErrorWithoutTheURL(t *testing.T) {
	cluster, err := With(&rest.Config{Host: "https://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	response, err := cluster.Get(t.Context(), "/version", http.Header{})
	if err == nil {
		_ = response.Body.Close()
		t.Fatal("it succeeded")
	}
	if !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "/version") {
		t.Errorf("got %v", err)
	}
}

// TestCredentialsGoToNoUnverifiedAddress: whoever can write an EndpointSlice would get them.
func TestCredentialsGoToNoUnverifiedAddress(t *testing.T) {
	slice := discoveryv1.EndpointSlice{
		Ports: []discoveryv1.EndpointPort{{Name: new("https"), Port: new(int32(6443))}},
		Endpoints: []discoveryv1.Endpoint{
			{Addresses: []string{"10.0.0.1"}}, {Addresses: []string{"10.0.0.2"}},
		},
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(discoveryv1.EndpointSliceList{Items: []discoveryv1.EndpointSlice{slice}})
	}))
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	verified := rest.TLSClientConfig{CAData: authority}
	for want, config := range map[int]rest.TLSClientConfig{0: {Insecure: true}, 2: verified} {
		cluster, err := With(&rest.Config{Host: server.URL, TLSClientConfig: config})
		if err != nil {
			t.Fatal(err)
		}
		clients, err := cluster.KubeAPIServers(t.Context())
		if len(clients) != want || (err != nil) != (want == 0) {
			t.Errorf("%d clients, %v, want %d", len(clients), err, want)
		}
	}
}
