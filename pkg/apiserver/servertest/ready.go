// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

const (
	// readyTimeout is more than a server takes on a busy machine: its informers list a cluster's policies.
	readyTimeout   = 2 * time.Minute
	requestTimeout = 10 * time.Second
	pollInterval   = 50 * time.Millisecond
	// answerLimit is enough for the list of all checks.
	answerLimit = 16 << 10
)

var errStopped = errors.New("it ended")

// waitUntilReady fails the test with the last answer of /readyz if the server is not ready in time.
func waitUntilReady(tb testing.TB, config *rest.Config, stopped <-chan struct{}) {
	tb.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		tb.Fatal(err)
	}
	if err := pollReady(tb.Context(), client, config.Host, stopped); err != nil {
		tb.Fatalf("the server is not ready: %v", err)
	}
}

// pollReady returns the last answer with the reason why it ended.
func pollReady(ctx context.Context, client *http.Client, host string, stopped <-chan struct{}) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, readyTimeout, true, func(ctx context.Context) (bool, error) {
		select {
		case <-stopped:
			return false, errStopped
		default:
		}
		err := readyz(ctx, client, host)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

// readyz returns the checks of a server that is not ready as an error.
func readyz(ctx context.Context, client *http.Client, host string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, host+"/readyz?verbose", http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil || response.StatusCode == http.StatusOK {
		return err
	}
	return fmt.Errorf("readyz: %s: %q", response.Status, answer)
}
