// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// Available does not cover it: kube-apiserver requests the two in different ways.
func TestStaleAggregatedDiscoveryOfKubeAPIServerIsReported(t *testing.T) {
	t.Parallel()
	const name = "listed-badly"
	backend, server := startBackend(t, name, "v1")
	server.Behave(extensionserver.Behaviour{
		APIs: extensionserver.Fault{Status: http.StatusServiceUnavailable}, For: extensionserver.KubeAPIServer,
	})
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)

	listed := groupVersion(name+".example.com", "v1")
	var notified atomic.Int32
	clock := clocktesting.NewFakeClock(time.Now())
	freshness := aggregation.NewFreshness(aggregation.NewKubeAPIServers(plane.env.Config, plane.client, clock), clock,
		func(of schema.GroupVersion) {
			if of == listed {
				notified.Add(1)
			}
		})
	go func() { _ = freshness.Start(t.Context()) }()
	await := func(stale bool) {
		t.Helper()
		before := notified.Load()
		eventually(t, func() error {
			reports, _ := freshness.Of(listed)
			if len(reports) == 1 && reports[0].Settled && reports[0].Stale == stale && notified.Load() > before {
				return nil
			}
			stepOnceWaiting(clock)
			return fmt.Errorf("got %+v and got %d more notifications", reports, notified.Load()-before)
		})
	}
	await(true)
	server.Behave(extensionserver.Behaviour{})
	await(false)
}

// stepOnceWaiting advances the clock once there is a waiter, so that a check has time to complete.
func stepOnceWaiting(clock *clocktesting.FakeClock) {
	if clock.HasWaiters() {
		clock.Step(time.Minute)
	}
}
