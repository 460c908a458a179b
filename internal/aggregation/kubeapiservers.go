// SPDX-License-Identifier: Apache-2.0

// Package aggregation looks at the aggregation layer from inside the cluster.
package aggregation

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

const (
	// kubeAPIServerName is in the serving certificate of every kube-apiserver.
	kubeAPIServerName = "kubernetes.default.svc"
	// kubernetesPort is the port of the Service (k8s.io/kubernetes pkg/controlplane/controller/kubernetesservice).
	kubernetesPort = "https"
)

// kubernetesService has every kube-apiserver behind it.
var kubernetesService = types.NamespacedName{Namespace: metav1.NamespaceDefault, Name: "kubernetes"}

// KubeAPIServers reaches each kube-apiserver by itself, as each aggregates on its own.
type KubeAPIServers struct {
	config *rest.Config
	reader client.Reader
	clock  clock.PassiveClock

	mu      sync.Mutex
	clients map[string]clientPair
	// listed is when the clients were those of all kube-apiservers.
	listed time.Time
}

// clientPair reaches one kube-apiserver.
type clientPair struct {
	// own has the operator's credentials, and anonymous none.
	own, anonymous *http.Client
}

const (
	// listedFor is how long a list of the kube-apiservers is used: everybody who asks them needs it.
	listedFor = 10 * time.Second
	// listTimeout bounds one request for it.
	listTimeout = 10 * time.Second
)

// NewKubeAPIServers returns clients made from config, for the endpoints that reader finds behind default/kubernetes.
func NewKubeAPIServers(config *rest.Config, reader client.Reader, clk clock.PassiveClock) *KubeAPIServers {
	return &KubeAPIServers{config: config, reader: reader, clock: clk, clients: map[string]clientPair{}}
}

// Clients returns an HTTP client with the operator's credentials for each kube-apiserver, by its address (host:port).
// Where they list no endpoint, it is the one that config names.
func (k *KubeAPIServers) Clients(ctx context.Context) (map[string]*http.Client, error) {
	return k.each(ctx, func(pair clientPair) *http.Client { return pair.own })
}

// AnonymousClients returns the same without any credentials. What is sent with those of another user is in another flow
// of kube-apiserver's API Priority and Fairness than the operator's own requests.
func (k *KubeAPIServers) AnonymousClients(ctx context.Context) (map[string]*http.Client, error) {
	return k.each(ctx, func(pair clientPair) *http.Client { return pair.anonymous })
}

func (k *KubeAPIServers) each(
	ctx context.Context, of func(clientPair) *http.Client,
) (map[string]*http.Client, error) {
	pairs, err := k.pairs(ctx)
	if err != nil {
		return nil, err
	}
	clients := map[string]*http.Client{}
	for address, pair := range pairs {
		clients[address] = of(pair)
	}
	return clients, nil
}

func (k *KubeAPIServers) pairs(ctx context.Context) (map[string]clientPair, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.listed.IsZero() && k.clock.Since(k.listed) < listedFor {
		return k.clients, nil
	}
	current, err := k.list(ctx)
	if err != nil {
		return nil, err
	}
	k.clients, k.listed = current, k.clock.Now()
	return current, nil
}

func (k *KubeAPIServers) list(ctx context.Context) (map[string]clientPair, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	slices, err := endpoints.List(ctx, k.reader, kubernetesService)
	if err != nil {
		return nil, fmt.Errorf("listing the kube-apiservers behind the Service default/kubernetes: %w", err)
	}
	current := map[string]clientPair{}
	for _, ready := range endpoints.Ready(slices, kubernetesPort) {
		if current[ready.Address], err = k.client(ready.Address); err != nil {
			return nil, err
		}
	}
	if len(current) == 0 {
		return k.configured()
	}
	return current, nil
}

func (k *KubeAPIServers) client(address string) (clientPair, error) {
	config := rest.CopyConfig(k.config)
	config.Host = "https://" + address
	config.ServerName = kubeAPIServerName
	return k.pair(address, config)
}

func (k *KubeAPIServers) configured() (map[string]clientPair, error) {
	host, err := url.Parse(k.config.Host)
	if err != nil {
		return nil, err
	}
	address := host.Host
	if address == "" {
		address = k.config.Host
	}
	pair, err := k.pair(address, k.config)
	return map[string]clientPair{address: pair}, err
}

// pair returns the clients that there are for an address, or new ones.
func (k *KubeAPIServers) pair(address string, config *rest.Config) (clientPair, error) {
	if existing, found := k.clients[address]; found {
		return existing, nil
	}
	own, err := clientFor(config)
	if err != nil {
		return clientPair{}, err
	}
	anonymous, err := clientFor(rest.AnonymousClientConfig(config))
	return clientPair{own, anonymous}, err
}

// clientFor returns a client that follows no redirect, which would send the operator's token to wherever that leads,
// and that bounds what is read: servers answer through kube-apiserver, too.
func clientFor(config *rest.Config) (*http.Client, error) {
	config = rest.CopyConfig(config)
	config.DisableCompression = true
	if config.Proxy == nil {
		// The default; with it said, the transport is no other client's (client-go transport/cache.go).
		config.Proxy = http.ProxyFromEnvironment
	}
	bounded := false
	config.WrapTransport = transport.Wrappers(func(bare http.RoundTripper) http.RoundTripper {
		bounded = bound(bare)
		return bare
	}, config.WrapTransport)
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	if !bounded {
		return nil, fmt.Errorf("cannot bound what kube-apiserver %s answers", config.Host)
	}
	httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return httpClient, nil
}

// bound finds the transport beneath what client-go wraps around it.
func bound(roundTripper http.RoundTripper) (found bool) {
	for {
		switch current := roundTripper.(type) {
		case *http.Transport:
			limits.Bound(current)
			return true
		case utilnet.RoundTripperWrapper:
			roundTripper = current.WrappedRoundTripper()
		default:
			return false
		}
	}
}
