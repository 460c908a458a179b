// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"encoding/pem"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/test/http2"
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
	return configOf(server)
}

func configOf(server *httptest.Server) *rest.Config {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return &rest.Config{Host: server.URL, BearerToken: "secret", TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
}

// listing returns the KubeAPIServers that reader lists, with a fake clock.
func listing(config *rest.Config, reader endpointReader) (*KubeAPIServers, *clocktesting.FakeClock) {
	clk := clocktesting.NewFakeClock(time.Unix(0, 0))
	return NewKubeAPIServers(config, reader, clk), clk
}

func TestClientsOfKubeAPIServersAreReused(t *testing.T) {
	servers, clk := listing(configFor(t, 200), endpointReader{addresses: []string{"10.0.0.1", "fd00::1"}, port: 6443})
	first, err := servers.Clients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(first)); !slices.Equal(got, []string{"10.0.0.1:6443", "[fd00::1]:6443"}) {
		t.Errorf("clients for %q", got)
	}
	clk.Step(listedFor) // they are listed again
	second, err := servers.Clients(t.Context())
	if err != nil || second["10.0.0.1:6443"] != first["10.0.0.1:6443"] {
		t.Errorf("the client and its connections were recreated (%v)", err)
	}
}

func TestConfiguredKubeAPIServerIsUsedWithoutEndpoints(t *testing.T) {
	config := configFor(t, http.StatusOK)
	servers, _ := listing(config, endpointReader{})
	clients, err := servers.Clients(t.Context())
	if err != nil || len(clients) != 1 || clients[strings.TrimPrefix(config.Host, "https://")] == nil {
		t.Errorf("got %v, %v", clients, err)
	}
}

func TestServedIsAnyStatusButNotFound(t *testing.T) {
	for status, want := range map[int][]schema.GroupVersion{
		http.StatusOK:                 {groupVersion},
		http.StatusServiceUnavailable: {groupVersion},
		http.StatusForbidden:          {groupVersion},
		http.StatusNotFound:           nil,
	} {
		servers, _ := listing(configFor(t, status), endpointReader{})
		got, failures, err := servers.Served(t.Context(), []schema.GroupVersion{groupVersion})
		if err != nil || len(failures) > 0 || !slices.Equal(got, want) {
			t.Errorf("answer %d: served %v (%v, %v), want %v", status, got, failures, err, want)
		}
	}
}

// A dead kube-apiserver that is still listed must not prevent the others from being queried.
func TestUnreachableKubeAPIServersDoNotBlockOthers(t *testing.T) {
	config := configFor(t, http.StatusOK)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(config.Host, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	const dead = "127.0.0.2"                                      // an address without a listener
	config.TLSClientConfig = rest.TLSClientConfig{Insecure: true} // the test certificate has another name
	servers, _ := listing(config, endpointReader{addresses: []string{dead, host}, port: int32(number)})
	got, failures, err := servers.Served(t.Context(), []schema.GroupVersion{groupVersion})
	failure := failures[net.JoinHostPort(dead, port)]
	if err != nil || !slices.Equal(got, []schema.GroupVersion{groupVersion}) || failure == "" {
		t.Errorf("served %v, failures %v, error %v", got, failures, err)
	}
}

func TestServedFailsIfKubeAPIServersCannotBeListed(t *testing.T) {
	servers, _ := listing(configFor(t, http.StatusOK), endpointReader{err: errors.New("forbidden")})
	_, _, err := servers.Served(t.Context(), []schema.GroupVersion{groupVersion})
	if err == nil || !strings.Contains(err.Error(), "default/kubernetes") {
		t.Errorf("got %v", err)
	}
}

// Responses through kube-apiserver come from an extension API server.
func TestResponsesOfKubeAPIServersAreBounded(t *testing.T) {
	want := http2.AllowedBy(t, func(server *httptest.Server) *http.Client {
		client := server.Client()
		if transport, isTransport := client.Transport.(*http.Transport); isTransport {
			limits.Bound(transport)
		}
		return client
	})
	got := http2.AllowedBy(t, func(server *httptest.Server) *http.Client {
		client, err := ClientFor(configOf(server))
		if err != nil {
			t.Fatal(err)
		}
		return client
	})
	if !maps.Equal(got, want) {
		t.Errorf("allowed are %v, want %v", got, want)
	}
}

func TestListOfKubeAPIServersIsCached(t *testing.T) {
	reader := &countingReader{endpointReader: endpointReader{addresses: []string{"10.0.0.1"}, port: 6443}}
	clk := clocktesting.NewFakeClock(time.Unix(0, 0))
	servers := NewKubeAPIServers(configFor(t, http.StatusOK), reader, clk)
	for range 3 {
		if _, err := servers.Clients(t.Context()); err != nil {
			t.Fatal(err)
		}
		clk.Step(listedFor / 2)
	}
	if reader.lists != 2 {
		t.Errorf("listed %d times", reader.lists)
	}
}

type countingReader struct {
	endpointReader
	lists int
}

func (r *countingReader) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	r.lists++
	return r.endpointReader.List(ctx, list, options...)
}

func TestCompressionIsNotRequested(t *testing.T) {
	requested := make(chan string, 1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requested <- r.Header.Get("Accept-Encoding")
	}))
	defer server.Close()
	client, err := ClientFor(configOf(server))
	if err != nil {
		t.Fatal(err)
	}
	_, err = get(t.Context(), client, strings.TrimPrefix(server.URL, "https://"), "/", http.Header{},
		func(*http.Response) (any, error) { return nil, nil })
	if encoding := <-requested; encoding != "" || err != nil {
		t.Errorf("requested %q, error %v", encoding, err)
	}
}

// The target of a redirect would get the operator's token.
func TestRedirectsAreNotFollowed(t *testing.T) {
	servers, _ := listing(configFor(t, http.StatusFound), endpointReader{})
	for _, list := range []clientsOf{servers.Clients, servers.AnonymousClients} {
		clients, err := list(t.Context())
		if err != nil || len(clients) != 1 {
			t.Fatalf("%v (%v)", clients, err)
		}
		for _, client := range clients {
			if err := client.CheckRedirect(nil, nil); !errors.Is(err, http.ErrUseLastResponse) {
				t.Errorf("got %v", err)
			}
		}
	}
}

func TestAnonymousClientsHaveNoCredentialsButTheSameTrust(t *testing.T) {
	shown := make(chan string, 1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		shown <- r.Header.Get("Authorization")
	}))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	servers, _ := listing(&rest.Config{
		Host: server.URL, BearerToken: "operator", TLSClientConfig: rest.TLSClientConfig{CAData: ca},
	}, endpointReader{})
	for want, list := range map[string]clientsOf{"Bearer operator": servers.Clients, "": servers.AnonymousClients} {
		clients, err := list(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for address, client := range clients {
			if _, err := get(t.Context(), client, address, "/apis", http.Header{}, statusOf); err != nil {
				t.Fatal(err)
			}
			if got := <-shown; got != want {
				t.Errorf("got authorization %q, want %q", got, want)
			}
		}
	}
}

func statusOf(response *http.Response) (int, error) { return response.StatusCode, nil }
