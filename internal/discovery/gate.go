// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"

	"golang.org/x/time/rate"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// slots are taken by requests while they run.
type slots chan struct{}

// gate lets the requests of one ExtensionAPI through, at their rate and as many at the same time as there are slots.
type gate struct {
	rate *rate.Limiter
	// reserved are its own. The others are for whoever comes first.
	reserved, shared slots
}

func newGate(shared slots) gate {
	return gate{
		rate:     rate.NewLimiter(limits.ProbesPerSecond, limits.ProbesPerSecond),
		reserved: make(slots, limits.ProbesReserved),
		shared:   shared,
	}
}

// enter waits until a request may be sent. leave must be called when it has ended.
func (g gate) enter(ctx context.Context) (leave func(), err error) {
	if err := g.rate.Wait(ctx); err != nil {
		return nil, err
	}
	select {
	case g.reserved <- struct{}{}:
		return func() { <-g.reserved }, nil
	default: // only then one that others could use
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
