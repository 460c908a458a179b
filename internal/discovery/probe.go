// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
)

const timeoutMargin = time.Second

// requester sends requests with one identity.
type requester struct {
	clock  clock.PassiveClock
	client *http.Client
	// token is the bearer token, empty for none.
	token string
	// timeout is the timeout of a request.
	timeout time.Duration
	// groupVersions are those to read from aggregated discovery.
	groupVersions []schema.GroupVersion
}

// do sends one request and reads the complete response.
func (a requester) do(ctx context.Context, key Key) Sample {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	stopwatch := stopwatch{clock: a.clock, start: a.clock.Now()}
	content, err := a.get(stopwatch.watch(ctx), key)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // when the connection is closed, the server may end its response as if it were complete
	}
	sample := stopwatch.stop()
	sample.Content = content
	sample.Err = newProbeError(err, a.timeout, stopwatch.hasReached(key.View))
	return sample
}

func (a requester) get(ctx context.Context, key Key) (Content, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+key.Address+key.path(), nil)
	if err != nil {
		return Content{}, err
	}
	request.Header.Set("Accept", key.accept())
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return Content{}, err
	}
	defer func() { _ = response.Body.Close() }()
	return key.read(response, a.groupVersions)
}
