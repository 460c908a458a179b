// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
)

const (
	// maxBody is far above the discovery document of any group-version.
	maxBody = 16 << 20
	// timeoutMargin lets a request that is only just too slow be told from one that hangs.
	timeoutMargin = time.Second
)

// probe sends one discovery request and reads the whole answer.
func probe(
	ctx context.Context, clk clock.PassiveClock, client *http.Client, address string, groupVersion schema.GroupVersion,
	limit time.Duration,
) Sample {
	timeout := max(limit, AggregatorTimeout) + timeoutMargin
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := clk.Now()
	body, err := get(ctx, client, "https://"+address+"/apis/"+groupVersion.String())
	latency := clk.Since(start)
	if err == nil {
		err = checkResourceList(body, groupVersion)
	}
	return Sample{Latency: latency, Err: explain(err, timeout)}
}

func get(ctx context.Context, client *http.Client, target string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s", response.Status)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("answered more than %d MiB", maxBody>>20)
	}
	return body, nil
}

// checkResourceList makes sure that the answer speaks of the group-version that was asked for.
func checkResourceList(body []byte, groupVersion schema.GroupVersion) error {
	list := metav1.APIResourceList{}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("answered something that is no APIResourceList: %w", err)
	}
	if list.GroupVersion != groupVersion.String() {
		return fmt.Errorf("answered for group-version %q instead of %q", list.GroupVersion, groupVersion)
	}
	return nil
}

// explain words an error so that it is the same each time it happens: without URL and ephemeral port numbers.
func explain(err error, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no complete answer within %s", timeout)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if wrapped, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%s: %w", wrapped.Op, wrapped.Err)
	}
	return err
}
