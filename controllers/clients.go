// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"time"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
)

// requestTimeout is when a request to kube-apiserver is given up, so that one kind that hangs holds up no other. A Pod
// that terminates is left after 5 seconds, while its preStop sleep of 15 lasts.
const requestTimeout = 4 * time.Second

// ClientOptions gives each request that is not answered from the cache a deadline, and reads live what the cache
// cannot hold, since the cluster may not know its kind. The cache has connections of its own, as a watch takes long.
func ClientOptions(config *rest.Config) (client.Options, error) {
	httpClient, err := withDeadline(config)
	uncached := &client.CacheOptions{}
	for _, kind := range inventory.Kinds() {
		if !kind.Cached {
			uncached.DisableFor = append(uncached.DisableFor, kind.New())
		}
	}
	return client.Options{HTTPClient: httpClient, Cache: uncached}, err
}

// withDeadline returns an HTTP client whose requests have a deadline.
func withDeadline(config *rest.Config) (*http.Client, error) {
	shared, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	httpClient := *shared
	httpClient.Timeout = requestTimeout
	return &httpClient, nil
}

// newLiveReader reads around the cache, with a deadline for each request, which the manager's own reader has not.
func newLiveReader(mgr ctrl.Manager) (client.Reader, error) {
	httpClient, err := withDeadline(mgr.GetConfig())
	if err != nil {
		return nil, err
	}
	return client.New(mgr.GetConfig(), client.Options{
		HTTPClient: httpClient, Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
	})
}
