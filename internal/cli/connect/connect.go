// SPDX-License-Identifier: Apache-2.0

// Package connect turns kubectl's flags into clients of a cluster. Nothing in it depends on the discovery of the
// cluster, which may be incomplete.
package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
)

const (
	// defaultTimeout bounds a request for which --request-timeout sets nothing.
	defaultTimeout = 15 * time.Second
	// Address stands for the address of kube-apiserver in the URLs of requests: HTTP replaces it.
	Address = "kube-apiserver"
)

// Cluster has the clients of one cluster, with the permissions of the user.
type Cluster struct {
	// Host is the address of kube-apiserver, as in the kubeconfig.
	Host string
	// Client reads and writes objects of known kinds.
	Client client.Client
	// HTTP sends requests for paths of kube-apiserver, whatever their host, and bounds what is kept of the responses.
	HTTP *http.Client

	config *rest.Config
	// base is the URL of kube-apiserver.
	base *url.URL
	each *aggregation.KubeAPIServers
}

// To returns the cluster of the flags.
func To(flags *genericclioptions.ConfigFlags) (*Cluster, error) {
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return With(config)
}

// With returns the cluster of a configuration.
func With(config *rest.Config) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // kube-apiserver itself limits its clients
	// Warnings are about the versions that this program uses, and the user cannot change those.
	config.WarningHandler = rest.NoWarnings{}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("the address of kube-apiserver: %w", err)
	}
	objects, err := client.New(config, client.Options{Scheme: kinds.Scheme(), Mapper: kinds.Mapper()})
	if err != nil {
		return nil, err
	}
	paths, err := aggregation.ClientFor(config)
	if err != nil {
		return nil, err
	}
	paths.Transport = &toServer{base: base, next: paths.Transport}
	return &Cluster{
		Host: base.Host, Client: objects, HTTP: paths, config: config, base: base,
		each: aggregation.NewKubeAPIServers(config, objects, clock.RealClock{}),
	}, nil
}

// errUnverified keeps credentials from whoever can write an EndpointSlice.
var errUnverified = errors.New("the kubeconfig does not verify the certificate of kube-apiserver " +
	"(insecure-skip-tls-verify), so its credentials are sent to no other address")

// KubeAPIServers returns a client for each kube-apiserver, by its address, around a load balancer.
func (c *Cluster) KubeAPIServers(ctx context.Context) (map[string]*http.Client, error) {
	clients, err := c.each.Clients(ctx)
	if c.config.Insecure && len(clients) > 1 {
		return nil, errUnverified
	}
	return clients, err
}

// Get requests a path of kube-apiserver. The caller closes the body.
func (c *Cluster) Get(ctx context.Context, path string, header http.Header) (*http.Response, error) {
	return c.Send(ctx, http.MethodGet, path, header, http.NoBody)
}

// Send sends a request for a path of kube-apiserver. The caller closes the body.
func (c *Cluster) Send(
	ctx context.Context, method, path string, header http.Header, body io.Reader,
) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "https://"+Address+path, body)
	if err != nil {
		return nil, err
	}
	request.Header = header
	response, err := c.HTTP.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return nil, failed.Err // without the URL, which the caller knows
	}
	return response, err
}

// userAgent is sent with requests for objects of servers, so that an audit log shows them.
const userAgent = "kubectl-extensionapi"

// ObjectChecker checks objects as the operator does, with the permissions of the user. No replica is in reach.
func (c *Cluster) ObjectChecker(clk clock.WithDelayedExecution) *objectcheck.Checker {
	return &objectcheck.Checker{
		KubeAPIServers: func(context.Context) (map[string]*http.Client, error) {
			return map[string]*http.Client{Address: c.HTTP}, nil
		},
		Permitted: objectcheck.PermissionOf(c.Client),
		Clock:     clk,
		UserAgent: userAgent,
		Patience:  objectcheck.Interactive(),
	}
}

// toServer sends each request to the server of the kubeconfig, which may be behind a path, as with Rancher.
type toServer struct {
	base *url.URL
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *toServer) RoundTrip(request *http.Request) (*http.Response, error) {
	sent := request.Clone(request.Context())
	sent.Host = ""
	sent.URL.Scheme, sent.URL.Host = t.base.Scheme, t.base.Host
	sent.URL.Path = strings.TrimSuffix(t.base.Path, "/") + request.URL.Path
	return t.next.RoundTrip(sent)
}
