// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// AnyServes tells whether any kube-apiserver knows the group-version: it answers anything but 404 for it.
func (k *KubeAPIServers) AnyServes(ctx context.Context, groupVersion schema.GroupVersion) (bool, error) {
	clients, err := k.Clients(ctx)
	if err != nil {
		return false, err
	}
	for address, httpClient := range clients {
		answer, err := get(ctx, httpClient, address, "/apis/"+groupVersion.String(), http.Header{})
		if err != nil {
			return false, fmt.Errorf("asking kube-apiserver %s for %s: %w", address, groupVersion, err)
		}
		if answer.code != http.StatusNotFound {
			return true, nil
		}
	}
	return false, nil
}
