// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
)

// resource tests one resource with the verbs that it advertises.
func (t *tester) resource(ctx context.Context, resource documents.Resource) {
	path := t.path("/" + resource.Name)
	if resource.Listable {
		t.run(resource.Name+": LIST as the namespace controller does it", func() error { return t.list(ctx, path) })
		t.run(resource.Name+": LIST as a table, as kubectl get does it", func() error {
			return t.expectJSON(ctx, path+"?limit=1", acceptTable)
		})
		t.run(resource.Name+": LIST falls back to JSON for clients that prefer protobuf", func() error {
			return t.expectJSON(ctx, path+"?limit=1", "application/vnd.kubernetes.protobuf,application/json")
		})
	}
	if resource.Watchable {
		t.run(resource.Name+": WATCH sends the bookmark that ends the initial events", func() error {
			return t.watch(ctx, path)
		})
	}
}

// acceptTable is kubectl's Accept header (k8s.io/kubectl pkg/cmd/get).
const acceptTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io," +
	"application/json"

func (t *tester) list(ctx context.Context, path string) error {
	return t.request(ctx, path+"?limit=1", accept(aggregation.AcceptMetadata), func(response *http.Response) error {
		if err := expectOK(response); err != nil {
			return err
		}
		count, err := documents.CountObjects(response.Body)
		if err != nil {
			return err
		}
		return notedError{fmt.Sprintf("%d objects", count)}
	})
}

func (t *tester) watch(ctx context.Context, path string) error {
	header := accept(aggregation.AcceptWatch)
	return t.request(ctx, path+aggregation.WatchQuery, header, func(response *http.Response) error {
		if response.StatusCode == http.StatusUnprocessableEntity || response.StatusCode == http.StatusBadRequest {
			return skippedError{"the server refuses sendInitialEvents, so clients list instead"}
		}
		if err := expectOK(response); err != nil {
			return err
		}
		if !documents.EndsInitialEvents(response.Body) {
			return errors.New("the server accepts sendInitialEvents, and does not send it: quota and garbage collection " +
				"of the whole cluster may wait for it without end")
		}
		return nil
	})
}

// loadAtOnce bounds the requests of a load at the same time.
const loadAtOnce = 8

// load measures many discovery requests.
func (t *tester) load(ctx context.Context, requests int) error {
	var group errgroup.Group
	group.SetLimit(loadAtOnce)
	var mu sync.Mutex
	var samples []discovery.Sample
	for range requests {
		group.Go(func() error {
			sample := t.sample(ctx)
			mu.Lock()
			defer mu.Unlock()
			samples = append(samples, sample)
			return nil
		})
	}
	_ = group.Wait() // no request returns an error
	return judgeLoad(samples)
}

// judgeLoad fails if a request failed, or took longer than kube-apiserver waits.
func judgeLoad(samples []discovery.Sample) error {
	var latencies []time.Duration
	failures := 0
	var last error
	for _, sample := range samples {
		if sample.Err != nil {
			failures, last = failures+1, sample.Err
			continue
		}
		latencies = append(latencies, sample.Latency)
	}
	if failures > 0 {
		return fmt.Errorf("%d of %d failed, such as: %w", failures, len(samples), last)
	}
	slices.Sort(latencies)
	rank := func(percent int) time.Duration {
		return latencies[max(0, (len(latencies)*percent+99)/100-1)].Round(100 * time.Microsecond)
	}
	measured := fmt.Sprintf("p50 %s, p90 %s, p99 %s, max %s", rank(50), rank(90), rank(99), rank(100))
	if rank(100) > discovery.AggregatorTimeout {
		return errors.New(measured)
	}
	return notedError{measured}
}
