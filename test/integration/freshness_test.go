// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// Available says nothing of it: kube-apiserver asks for the two in different ways.
func TestKubeAPIServerTellsWhatItsAggregatedDiscoveryHasNotGot(t *testing.T) {
	t.Parallel()
	const name = "listed-badly"
	backend, server := startBackend(t, name, "v1")
	server.Behave(extensionserver.Behaviour{APIs: extensionserver.Fault{Status: http.StatusServiceUnavailable}})
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)

	clock := clocktesting.NewFakeClock(time.Now())
	freshness := aggregation.NewFreshness(aggregation.NewKubeAPIServers(plane.env.Config, plane.client), clock,
		func(schema.GroupVersion) {})
	go func() { _ = freshness.Start(t.Context()) }()
	eventually(t, func() error {
		clock.Step(time.Minute)
		for _, report := range freshness.Of(groupVersion(name+".example.com", "v1")) {
			if report.Stale && report.Settled {
				return nil
			}
		}
		return fmt.Errorf("it is not told: %+v", freshness.Of(groupVersion(name+".example.com", "v1")))
	})
}
