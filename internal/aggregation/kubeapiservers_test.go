// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var groupVersion = schema.GroupVersion{Group: "wardle.example.com", Version: "v1"}

// endpointReader lists one EndpointSlice of the Service default/kubernetes.
type endpointReader struct {
	client.Reader
	addresses []string
	port      int32
	err       error
}

func (r endpointReader) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	slice := discoveryv1.EndpointSlice{Ports: []discoveryv1.EndpointPort{{Name: new("https"), Port: &r.port}}}
	for _, address := range r.addresses {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{address}})
	}
	if slices, ok := list.(*discoveryv1.EndpointSliceList); ok {
		slices.Items = []discoveryv1.EndpointSlice{slice}
	}
	return r.err
}

func configFor(t *testing.T, status int) *rest.Config {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
}

func TestEachKubeAPIServerHasAClientThatIsKept(t *testing.T) {
	servers := NewKubeAPIServers(configFor(t, 200), endpointReader{addresses: []string{"10.0.0.1", "fd00::1"}, port: 6443})
	first, err := servers.Clients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(first)); !slices.Equal(got, []string{"10.0.0.1:6443", "[fd00::1]:6443"}) {
		t.Errorf("clients for %q", got)
	}
	second, err := servers.Clients(t.Context())
	if err != nil || second["10.0.0.1:6443"] != first["10.0.0.1:6443"] {
		t.Errorf("the client was made anew (%v), and its connections with it", err)
	}
}

func TestWithoutEndpointsTheConfiguredKubeAPIServerIsAsked(t *testing.T) {
	config := configFor(t, http.StatusOK)
	servers := NewKubeAPIServers(config, endpointReader{})
	clients, err := servers.Clients(t.Context())
	if err != nil || len(clients) != 1 || clients[strings.TrimPrefix(config.Host, "https://")] == nil {
		t.Errorf("got %v, %v", clients, err)
	}
}

func TestAnyServesAsksForTheGroupVersion(t *testing.T) {
	for status, want := range map[int]bool{
		http.StatusOK: true, http.StatusServiceUnavailable: true, http.StatusForbidden: true, http.StatusNotFound: false,
	} {
		got, err := NewKubeAPIServers(configFor(t, status), endpointReader{}).AnyServes(t.Context(), groupVersion)
		if err != nil || got != want {
			t.Errorf("answer %d: served = %v (%v), want %v", status, got, err, want)
		}
	}
}

func TestWhatCannotBeListedIsAnError(t *testing.T) {
	servers := NewKubeAPIServers(configFor(t, http.StatusOK), endpointReader{err: errors.New("forbidden")})
	_, err := servers.AnyServes(t.Context(), groupVersion)
	if err == nil || !strings.Contains(err.Error(), "default/kubernetes") {
		t.Errorf("got %v", err)
	}
}
