// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// collector gathers the samples of concurrent probes.
type collector struct {
	gate    gate
	pending errgroup.Group

	mu      sync.Mutex
	samples map[Key]Sample
	// hangs is the number of consecutive requests to each address that timed out.
	hangs map[string]int
}

func newCollector(gate gate) *collector {
	c := &collector{gate: gate, samples: map[Key]Sample{}, hangs: map[string]int{}}
	c.pending.SetLimit(limits.ProbesInFlightOfOne)
	return c
}

// add probes a key as soon as the gate admits it, and blocks while too many probes wait there.
func (c *collector) add(ctx context.Context, key Key, probe func() Sample) {
	c.pending.Go(func() error {
		if c.hasHung(key) {
			return nil
		}
		release, err := c.gate.enter(ctx)
		if err != nil {
			return err
		}
		defer release()
		if !c.hasHung(key) {
			c.note(key, probe())
		}
		return nil
	})
}

// note records a sample.
func (c *collector) note(key Key, sample Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples[key] = sample
	if sample.Err != nil && sample.Latency >= AggregatorTimeout {
		c.hangs[key.Address]++
	} else {
		c.hangs[key.Address] = 0
	}
}

// hasHung reports whether the address of a key is skipped for the rest of the round. A key that is not probed keeps its
// standing.
func (c *collector) hasHung(key Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hangs[key.Address] >= limits.TimeoutsInARow
}

// wait returns the samples when all probes have finished.
func (c *collector) wait() map[Key]Sample {
	_ = c.pending.Wait() // only a cancelled context cuts a round short, and its samples are dropped
	return c.samples
}
