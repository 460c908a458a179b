// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"

	"golang.org/x/time/rate"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// slots is a semaphore of requests in flight.
type slots chan struct{}

// gate limits the requests of one ExtensionAPI: their rate, and their concurrency by slots.
type gate struct {
	rate *rate.Limiter
	// reserved slots are for this ExtensionAPI alone, shared slots for all, first come, first served.
	reserved, shared slots
}

func newGate(shared slots) gate {
	return gate{
		rate:     rate.NewLimiter(limits.ProbesPerSecond, limits.ProbesPerSecond),
		reserved: make(slots, limits.ProbesReserved),
		shared:   shared,
	}
}

// enter blocks until a request may be sent. release must be called when it has finished.
func (g gate) enter(ctx context.Context) (release func(), err error) {
	if err := g.rate.Wait(ctx); err != nil {
		return nil, err
	}
	select {
	case g.reserved <- struct{}{}:
		return func() { <-g.reserved }, nil
	default: // use a shared slot only when no reserved one is free
	}
	select {
	case g.reserved <- struct{}{}:
		return func() { <-g.reserved }, nil
	case g.shared <- struct{}{}:
		return func() { <-g.shared }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
