// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// servedTimeout bounds what one kube-apiserver is asked. It answers 404 by itself, at once.
const servedTimeout = 5 * time.Second

// Served returns those of the group-versions that a kube-apiserver knows: it answers anything but 404 for them.
// Failures say of which kube-apiservers, by their addresses, that is not known, and why. All are asked at the same
// time, for 5 seconds; it is an error that they cannot be listed.
func (k *KubeAPIServers) Served(ctx context.Context, groupVersions []schema.GroupVersion) (
	served []schema.GroupVersion, failures map[string]string, err error,
) {
	clients, err := k.Clients(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, servedTimeout)
	defer cancel()
	known, failures := askEach(ctx, clients,
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
