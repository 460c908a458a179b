// SPDX-License-Identifier: Apache-2.0

// Package aggregation looks at the aggregation layer from inside the cluster.
package aggregation

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// kubeAPIServerName is in the serving certificate of every kube-apiserver.
const kubeAPIServerName = "kubernetes.default.svc"

// KubeAPIServers reaches each kube-apiserver by itself, as each aggregates on its own.
type KubeAPIServers struct {
	config *rest.Config
	reader client.Reader

	mu      sync.Mutex
	clients map[string]*http.Client
}

// NewKubeAPIServers returns clients made from config, for the endpoints that reader finds behind default/kubernetes.
func NewKubeAPIServers(config *rest.Config, reader client.Reader) *KubeAPIServers {
	return &KubeAPIServers{config: config, reader: reader, clients: map[string]*http.Client{}}
}

// Clients returns an HTTP client for each kube-apiserver, by its address (host:port). Where they list no endpoint, it
// is the one that config names.
func (k *KubeAPIServers) Clients(ctx context.Context) (map[string]*http.Client, error) {
	addresses, err := k.addresses(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the kube-apiservers behind the Service default/kubernetes: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	current := map[string]*http.Client{}
	for _, address := range addresses {
		if current[address], err = k.client(address); err != nil {
			return nil, err
		}
	}
	if len(current) == 0 {
		if current, err = k.configured(); err != nil {
			return nil, err
		}
	}
	k.clients = current
	return current, nil
}

func (k *KubeAPIServers) addresses(ctx context.Context) ([]string, error) {
	slices := &discoveryv1.EndpointSliceList{}
	err := k.reader.List(ctx, slices, client.InNamespace(metav1.NamespaceDefault),
		client.MatchingLabels{discoveryv1.LabelServiceName: "kubernetes"})
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, slice := range slices.Items {
		for _, port := range slice.Ports {
			for _, endpoint := range slice.Endpoints {
				addresses = append(addresses,
					net.JoinHostPort(endpoint.Addresses[0], strconv.Itoa(int(ptr.Deref(port.Port, 0)))))
			}
		}
	}
	return addresses, nil
}

func (k *KubeAPIServers) client(address string) (*http.Client, error) {
	if existing, found := k.clients[address]; found {
		return existing, nil
	}
	config := rest.CopyConfig(k.config)
	config.Host = "https://" + address
	config.ServerName = kubeAPIServerName
	return rest.HTTPClientFor(config)
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
	httpClient, err := rest.HTTPClientFor(k.config)
	return map[string]*http.Client{address: httpClient}, err
}
