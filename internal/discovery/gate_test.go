// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// silentServer does not answer until the test lets it, and counts the requests that it holds.
type silentServer struct {
	address string
	// arrived receives a value for each request, and answer takes one for each request to answer.
	arrived, answer chan struct{}
}

func startSilent(t *testing.T) *silentServer {
	t.Helper()
	s := &silentServer{arrived: make(chan struct{}, 10_000), answer: make(chan struct{})}
	ended := make(chan struct{})
	_, s.address = serve(t, func(http.ResponseWriter, *http.Request) {
		s.arrived <- struct{}{}
		select {
		case <-s.answer:
		case <-ended:
		}
	})
	t.Cleanup(func() { close(ended) })
	return s
}

// manyVersions is a target with hundreds of keys at one address.
func (s *silentServer) manyVersions(target Target, count int) Target {
	target.GroupVersions = nil
	for i := range count {
		target.GroupVersions = append(target.GroupVersions,
			schema.GroupVersion{Group: groupVersion.Group, Version: fmt.Sprint("v", i+1)})
	}
	target.Replicas = []Replica{{Endpoint: endpoints.Endpoint{Address: s.address}}}
	return target
}

func TestHangingServersHoldABoundedNumberOfRequests(t *testing.T) {
	b, silent := newBench(t), startSilent(t)
	b.Track(t.Context(), "silent", silent.manyVersions(b.target, 300))
	for range limits.ProbesInFlightOfOne {
		receive(t, silent.arrived)
	}
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed) // of wardle, while the other server hangs
	for range 100 {
		if len(silent.arrived) > 0 {
			t.Fatalf("there are more than %d concurrent requests", limits.ProbesInFlightOfOne)
		}
		silent.answer <- struct{}{}
		receive(t, silent.arrived)
	}
}

func TestHangingServersDoNotBlockOthers(t *testing.T) {
	const servers, inFlight = 10, 8
	b, silent := newBench(t), startSilent(t)
	b.inFlight = make(slots, inFlight)
	for i := range servers {
		b.Track(t.Context(), fmt.Sprint("silent-", i), silent.manyVersions(b.target, 100))
	}
	for range inFlight + servers*limits.ProbesReserved {
		receive(t, silent.arrived)
	}
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	receive(t, b.requested)
	if len(b.inFlight) != inFlight || len(silent.arrived) > 0 {
		t.Errorf("%d of %d slots are taken, and %d requests exceed the limits",
			len(b.inFlight), inFlight, len(silent.arrived))
	}
}

func TestWaitingForASlotStopsWhenTheContextIsDone(t *testing.T) {
	gate := newGate(make(slots))
	ctx, cancel := context.WithCancel(t.Context())
	for range limits.ProbesReserved {
		if _, err := gate.enter(ctx); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if _, err := gate.enter(ctx); err == nil {
		t.Error("there is one slot too many")
	}
}
