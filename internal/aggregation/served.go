// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// servedTimeout is above the 5 seconds after which kube-apiserver itself gives up.
const servedTimeout = 10 * time.Second

// AnyServes tells whether any kube-apiserver knows the group-version: it answers anything but 404 for it.
func (k *KubeAPIServers) AnyServes(ctx context.Context, groupVersion schema.GroupVersion) (bool, error) {
	clients, err := k.Clients(ctx)
	if err != nil {
		return false, err
	}
	for address, httpClient := range clients {
		status, err := statusOf(ctx, httpClient, "https://"+address+"/apis/"+groupVersion.String())
		if err != nil {
			return false, fmt.Errorf("asking kube-apiserver %s for %s: %w", address, groupVersion, err)
		}
		if status != http.StatusNotFound {
			return true, nil
		}
	}
	return false, nil
}

func statusOf(ctx context.Context, httpClient *http.Client, url string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, servedTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	// A body that was read leaves the connection to the next request.
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, nil
}
