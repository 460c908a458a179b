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
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
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

// listing returns those that reader lists, under a clock.
func listing(config *rest.Config, reader endpointReader) (*KubeAPIServers, *clocktesting.FakeClock) {
	clk := clocktesting.NewFakeClock(time.Unix(0, 0))
	return NewKubeAPIServers(config, reader, clk), clk
}

func TestEachKubeAPIServerHasAClientThatIsKept(t *testing.T) {
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
		t.Errorf("the client was made anew (%v), and its connections with it", err)
	}
}

func TestWithoutEndpointsTheConfiguredKubeAPIServerIsAsked(t *testing.T) {
	config := configFor(t, http.StatusOK)
	servers, _ := listing(config, endpointReader{})
	clients, err := servers.Clients(t.Context())
	if err != nil || len(clients) != 1 || clients[strings.TrimPrefix(config.Host, "https://")] == nil {
		t.Errorf("got %v, %v", clients, err)
	}
}

func TestAnyServesAsksForTheGroupVersion(t *testing.T) {
	for status, want := range map[int]bool{
		http.StatusOK: true, http.StatusServiceUnavailable: true, http.StatusForbidden: true, http.StatusNotFound: false,
	} {
		servers, _ := listing(configFor(t, status), endpointReader{})
		got, err := servers.AnyServes(t.Context(), groupVersion)
		if err != nil || got != want {
			t.Errorf("answer %d: served = %v (%v), want %v", status, got, err, want)
		}
	}
}

func TestWhatCannotBeListedIsAnError(t *testing.T) {
	servers, _ := listing(configFor(t, http.StatusOK), endpointReader{err: errors.New("forbidden")})
	_, err := servers.AnyServes(t.Context(), groupVersion)
	if err == nil || !strings.Contains(err.Error(), "default/kubernetes") {
		t.Errorf("got %v", err)
	}
}

func TestTheListOfKubeAPIServersIsUsedForAWhile(t *testing.T) {
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

// A redirect could lead to anybody, who would get the operator's token.
func TestNoRedirectIsFollowed(t *testing.T) {
	config := configFor(t, http.StatusFound)
	servers, _ := listing(config, endpointReader{})
	clients, err := servers.Clients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range clients {
		if err := client.CheckRedirect(nil, nil); !errors.Is(err, http.ErrUseLastResponse) {
			t.Errorf("got %v", err)
		}
	}
}
