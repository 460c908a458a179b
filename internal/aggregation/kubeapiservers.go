// SPDX-License-Identifier: Apache-2.0

// Package aggregation inspects the aggregation layer from inside the cluster.
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

// kubernetesService is the Service in front of all kube-apiservers.
var kubernetesService = types.NamespacedName{Namespace: metav1.NamespaceDefault, Name: "kubernetes"}

// KubeAPIServers has a client for each individual kube-apiserver, as each aggregates on its own.
type KubeAPIServers struct {
	config *rest.Config
	reader client.Reader
	clock  clock.PassiveClock

	mu      sync.Mutex
	clients map[string]clientPair
	// listed is when the kube-apiservers were last listed.
	listed time.Time
}

// clientPair holds the clients of one kube-apiserver.
type clientPair struct {
	// own has the operator's credentials, and anonymous none.
	own, anonymous *http.Client
}

const (
	// listedFor is how long a list of the kube-apiservers is cached: every request to them needs it.
	listedFor = 10 * time.Second
	// listTimeout bounds one request for the list.
	listTimeout = 10 * time.Second
)

// NewKubeAPIServers returns clients made from config, for the endpoints that reader finds behind default/kubernetes.
func NewKubeAPIServers(config *rest.Config, reader client.Reader, clk clock.PassiveClock) *KubeAPIServers {
	return &KubeAPIServers{config: config, reader: reader, clock: clk, clients: map[string]clientPair{}}
}

// Clients returns an HTTP client with the operator's credentials for each kube-apiserver, by its address (host:port).
// If there is no endpoint, it is the one in config.
func (k *KubeAPIServers) Clients(ctx context.Context) (map[string]*http.Client, error) {
	return k.each(ctx, func(pair clientPair) *http.Client { return pair.own })
}

// AnonymousClients returns the same without any credentials. Requests with another user's credentials belong to another
// flow of kube-apiserver's API Priority and Fairness than the operator's own.
func (k *KubeAPIServers) AnonymousClients(ctx context.Context) (map[string]*http.Client, error) {
	return k.each(ctx, func(pair clientPair) *http.Client { return pair.anonymous })
}

// Count returns how many kube-apiservers there were when they were last listed, 0 before that.
func (k *KubeAPIServers) Count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.clients)
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

// pair returns the existing clients of an address, or new ones.
func (k *KubeAPIServers) pair(address string, config *rest.Config) (clientPair, error) {
	if existing, found := k.clients[address]; found {
		return existing, nil
	}
	own, err := ClientFor(config)
	if err != nil {
		return clientPair{}, err
	}
	anonymous, err := ClientFor(rest.AnonymousClientConfig(config))
	return clientPair{own, anonymous}, err
}

// ClientFor returns a client that does not follow redirects, which would send the operator's token to their target, and
// that bounds responses: those of extension API servers come through kube-apiserver, too.
func ClientFor(config *rest.Config) (*http.Client, error) {
	config = rest.CopyConfig(config)
	config.DisableCompression = true
	if config.Proxy == nil {
		// This is the default; set explicitly, it keeps the transport from being shared with other clients (client-go
		// transport/cache.go).
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
		return nil, fmt.Errorf("cannot bound the responses of kube-apiserver %s", config.Host)
	}
	httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return httpClient, nil
}

// bound finds and bounds the transport beneath client-go's wrappers.
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
