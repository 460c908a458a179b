// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/utils/clock"
)

const (
	// maxBody is far above the discovery document of any server.
	maxBody       = 16 << 20
	timeoutMargin = time.Second
)

// asker sends requests with one identity.
type asker struct {
	clock  clock.PassiveClock
	client *http.Client
	// token is sent along, unless it is empty.
	token string
	// timeout is how long an answer is waited for.
	timeout time.Duration
}

// ask sends one request and reads the whole answer.
func (a asker) ask(ctx context.Context, key Key) Sample {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	stopwatch := stopwatch{clock: a.clock, start: a.clock.Now()}
	reply, err := a.get(stopwatch.watch(ctx), key)
	sample := stopwatch.stop()
	if err == nil {
		sample.Content, err = key.read(reply)
	}
	sample.Err = newProbeError(err, a.timeout, stopwatch.hasDialed())
	return sample
}

func (a asker) get(ctx context.Context, key Key) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+key.Address+key.path(), nil)
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Accept", key.accept())
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return reply{}, err
	}
	if len(body) > maxBody {
		return reply{}, &answerError{ClassOversized, fmt.Sprintf("answered more than %d MiB", maxBody>>20)}
	}
	return reply{response.StatusCode, response.Status, response.Header.Get("Content-Type"), body}, nil
}
