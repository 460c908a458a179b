// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// servedTimeout bounds the requests to the kube-apiservers, which answer 404 by themselves, immediately.
const servedTimeout = 5 * time.Second

// Served returns those of the group-versions that any kube-apiserver serves: its answer is anything but 404. Failures
// are the errors of kube-apiservers that could not be queried, by address. All are queried concurrently, with a timeout
// of 5 seconds; failing to list them is an error.
func (k *KubeAPIServers) Served(ctx context.Context, groupVersions []schema.GroupVersion) (
	served []schema.GroupVersion, failures map[string]string, err error,
) {
	clients, err := k.Clients(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, servedTimeout)
	defer cancel()
	known, failures := queryEach(ctx, clients,
		func(ctx context.Context, httpClient *http.Client, address string) ([]schema.GroupVersion, error) {
			return servedBy(ctx, httpClient, address, groupVersions)
		})
	for _, groupVersion := range groupVersions {
		for _, ofOne := range known {
			if slices.Contains(ofOne, groupVersion) && !slices.Contains(served, groupVersion) {
				served = append(served, groupVersion)
			}
		}
	}
	return served, failures, nil
}

func servedBy(
	ctx context.Context, httpClient *http.Client, address string, groupVersions []schema.GroupVersion,
) (served []schema.GroupVersion, err error) {
	for _, groupVersion := range groupVersions {
		path := "/apis/" + groupVersion.String()
		known, err := get(ctx, httpClient, address, path, http.Header{}, func(response *http.Response) (bool, error) {
			return response.StatusCode != http.StatusNotFound, nil
		})
		if err != nil {
			return nil, err
		}
		if known {
			served = append(served, groupVersion)
		}
	}
	return served, nil
}
