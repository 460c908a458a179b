// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

// objects tests each resource as the operator checks it, and how it answers kubectl.
func (t *tester) objects(ctx context.Context) {
	session, err := t.cluster.ObjectChecker(t.clock).Begin(ctx)
	var resources []objects.Resource
	if err == nil {
		resources, err = session.Resources(ctx, t.version)
	}
	if err != nil {
		t.run("resources can be read", func() error { return err })
	}
	if left := len(resources) - limits.CheckedResources; left > 0 {
		t.run(fmt.Sprintf("%d more resources", left), func() error {
			return skippedError{fmt.Sprintf("at most %d are tested", limits.CheckedResources)}
		})
		resources = resources[:limits.CheckedResources]
	}
	for _, resource := range resources {
		t.resource(ctx, session, resource)
	}
}

// resource tests one resource with the verbs that it advertises.
func (t *tester) resource(ctx context.Context, session objectcheck.Session, resource objects.Resource) {
	path := t.path("/" + resource.Name)
	if resource.Listable {
		t.run(resource.Name+": LIST as the namespace controller does it", func() error {
			return judge(session.List(ctx, resource))
		})
		t.run(resource.Name+": LIST as a table, as kubectl get does it", func() error {
			return t.expectJSON(ctx, path+"?limit=1", acceptTable)
		})
		t.run(resource.Name+": LIST falls back to JSON for clients that prefer protobuf", func() error {
			return t.expectJSON(ctx, path+"?limit=1", "application/vnd.kubernetes.protobuf,application/json")
		})
	}
	if resource.Watchable {
		t.run(resource.Name+": WATCH sends the bookmark that ends the initial events, or refuses to", func() error {
			return judge(session.Watch(ctx, resource))
		})
	}
	if resource.Creatable {
		t.run(resource.Name+": CREATE as a dry run stores nothing", func() error { return t.dryRun(ctx, resource) })
	}
}

// judge fails with what the operator would report.
func judge(result objects.Result) error {
	switch {
	case len(result.Problems) > 0:
		found := diagnosis.ObjectProblem(result.Problems[0])
		return errors.New(found.About("").Message())
	case len(result.Denied) > 0:
		return skippedError{"not permitted"}
	default:
		return result.Err
	}
}

// acceptTable is kubectl's Accept header (k8s.io/kubectl pkg/cmd/get).
const acceptTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io," +
	"application/json"

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
		return discovery.Percentile(latencies, percent).Round(100 * time.Microsecond)
	}
	measured := fmt.Sprintf("p50 %s, p90 %s, p99 %s, max %s", rank(50), rank(90), rank(99), rank(100))
	if rank(100) > discovery.AggregatorTimeout {
		return errors.New(measured)
	}
	return notedError{measured}
}
