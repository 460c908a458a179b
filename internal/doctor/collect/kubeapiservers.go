// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

const (
	// reachTimeout bounds the first request to one kube-apiserver by itself: many are not reachable from outside.
	reachTimeout = 3 * time.Second
	// throughWithin is how long requests through each kube-apiserver are begun, so that a server that hangs, or a
	// cluster with very many APIServices, delays the rest of the report only that long.
	throughWithin = 4 * time.Second
)

// errLate is why a request was not sent.
var errLate = fmt.Errorf("not requested within %s", throughWithin)

// kubeAPIServers finds out which kube-apiservers are reached directly. A single one is the one of the kubeconfig.
func (c *collector) kubeAPIServers(ctx context.Context) ([]view.KubeAPIServer, error) {
	listing, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	clients, err := c.cluster.KubeAPIServers(listing)
	if err != nil {
		return nil, err
	}
	addresses := slices.Sorted(maps.Keys(clients))
	addresses = addresses[:min(len(addresses), limits.KubeAPIServers)]
	servers := make([]view.KubeAPIServer, len(addresses))
	if len(servers) > 1 {
		c.each = clients
	}
	var pending sync.WaitGroup
	for i, address := range addresses {
		servers[i].Address = address
		if len(servers) > 1 {
			pending.Go(func() { servers[i].Unreached = reach(ctx, clients[address], address) })
		}
	}
	pending.Wait()
	return servers, nil
}

// reach is nil if a kube-apiserver answers, whatever it is.
func reach(ctx context.Context, httpClient *http.Client, address string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/version", http.NoBody)
	if err != nil {
		return err
	}
	response, err := httpClient.Do(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", reachTimeout)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err // without the URL
	}
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// throughEach are the tasks that request discovery through each kube-apiserver that is reached. Of an APIService that
// is not available, each answers 503 itself.
func (c *collector) throughEach(v *view.View) []task {
	end := c.clock.Now().Add(throughWithin)
	apiServices, reached := v.APIServices.Value(), c.reached(v)
	var tasks []task
	for i := range apiServices {
		if !snapshot.IsAvailable(apiServices[i].APIService) {
			continue
		}
		for _, address := range reached {
			apiServices[i].Through = append(apiServices[i].Through, view.Through{Address: address})
		}
		for j := range apiServices[i].Through {
			tasks = append(tasks, func(ctx context.Context) {
				through := &apiServices[i].Through[j]
				through.Discovery = snapshot.Of(c.through(ctx, &apiServices[i], through.Address, end))
			})
		}
	}
	return tasks
}

// reached are the addresses of the kube-apiservers that are reached directly.
func (c *collector) reached(v *view.View) []string {
	var addresses []string
	for _, server := range v.KubeAPIServers.Value() {
		if c.each[server.Address] != nil && server.Unreached == nil {
			addresses = append(addresses, server.Address)
		}
	}
	return addresses
}

func (c *collector) through(
	ctx context.Context, apiService *view.APIService, address string, end time.Time,
) (discovery.Sample, error) {
	if !c.clock.Now().Before(end) {
		return discovery.Sample{}, errLate
	}
	key := discovery.ThroughKubeAPIServer(address, apiService.GroupVersion())
	return discovery.Once(ctx, c.clock, c.each[address], key), nil
}
