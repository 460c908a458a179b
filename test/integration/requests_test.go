// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"sync"
	"testing"

	"k8s.io/client-go/kubernetes"
)

// isServed sends one request through kube-apiserver.
func isServed(ctx context.Context, path string) error {
	clientset, err := kubernetes.NewForConfig(plane.env.Config)
	if err != nil {
		return err
	}
	return clientset.RESTClient().Get().AbsPath(path).MaxRetries(0).Do(ctx).Error()
}

// startRequests sends sequential requests until end is called, which returns their number.
func startRequests(t *testing.T, path string) (end func() (sent, failed int)) {
	t.Helper()
	sending, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	var sent, failed int
	var requests sync.WaitGroup
	requests.Go(func() {
		for sending.Err() == nil {
			sent++
			if err := isServed(sending, path); err != nil {
				if sending.Err() != nil {
					return // the last one is canceled
				}
				failed++
				t.Logf("request %d: %v", sent, err)
			}
		}
	})
	return func() (int, int) {
		cancel()
		requests.Wait()
		return sent, failed
	}
}
