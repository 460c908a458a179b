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
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
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
	clients map[string]*http.Client
	// listed is when the clients were those of all kube-apiservers.
	listed time.Time
}

const (
	// listedFor is how long a list of the kube-apiservers is used: everybody who asks them needs it.
	listedFor = 10 * time.Second
	// listTimeout bounds one request for it.
	listTimeout = 10 * time.Second
)

// NewKubeAPIServers returns clients made from config, for the endpoints that reader finds behind default/kubernetes.
func NewKubeAPIServers(config *rest.Config, reader client.Reader, clk clock.PassiveClock) *KubeAPIServers {
	return &KubeAPIServers{config: config, reader: reader, clock: clk, clients: map[string]*http.Client{}}
}

// Clients returns an HTTP client for each kube-apiserver, by its address (host:port). Where they list no endpoint, it
// is the one that config names.
func (k *KubeAPIServers) Clients(ctx context.Context) (map[string]*http.Client, error) {
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

func (k *KubeAPIServers) list(ctx context.Context) (map[string]*http.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	slices, err := endpoints.List(ctx, k.reader, kubernetesService)
	if err != nil {
		return nil, fmt.Errorf("listing the kube-apiservers behind the Service default/kubernetes: %w", err)
	}
	current := map[string]*http.Client{}
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

func (k *KubeAPIServers) client(address string) (*http.Client, error) {
	if existing, found := k.clients[address]; found {
		return existing, nil
	}
	config := rest.CopyConfig(k.config)
	config.Host = "https://" + address
	config.ServerName = kubeAPIServerName
	return clientFor(config)
}

func (k *KubeAPIServers) configured() (map[string]*http.Client, error) {
	host, err := url.Parse(k.config.Host)
	if err != nil {
		return nil, err
	}
	address := host.Host
	if address == "" {
		address = k.config.Host
	}
	if existing, found := k.clients[address]; found {
		return map[string]*http.Client{address: existing}, nil
	}
	httpClient, err := clientFor(k.config)
	return map[string]*http.Client{address: httpClient}, err
}

// clientFor returns a client that follows no redirect: it would send the operator's token to wherever that leads.
func clientFor(config *rest.Config) (*http.Client, error) {
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return httpClient, nil
}
