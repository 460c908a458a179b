// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"sync"
	"testing"

	"k8s.io/client-go/kubernetes"
)

// isServed sends one request through kube-apiserver.
func isServed(t *testing.T, path string) error {
	t.Helper()
	clientset, err := kubernetes.NewForConfig(plane.env.Config)
	if err != nil {
		t.Fatal(err)
	}
	return clientset.RESTClient().Get().AbsPath(path).MaxRetries(0).Do(ctx).Error()
}

// startRequests sends one request after the other, and counts them when it is told to end.
func startRequests(t *testing.T, path string) (end func() (sent, failed int)) {
	t.Helper()
	sending, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	var sent, failed int
	var requests sync.WaitGroup
	requests.Go(func() {
		for sending.Err() == nil {
			sent++
			if err := isServed(t, path); err != nil {
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
