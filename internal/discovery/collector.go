// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// collector gathers the samples of probes that run at the same time.
type collector struct {
	gate    gate
	pending errgroup.Group

	mu      sync.Mutex
	samples map[Key]Sample
	// hangs are how many requests in a row each address has left without an answer.
	hangs map[string]int
}

func newCollector(gate gate) *collector {
	c := &collector{gate: gate, samples: map[Key]Sample{}, hangs: map[string]int{}}
	c.pending.SetLimit(limits.ProbesInFlightOfOne)
	return c
}

// add has a key probed as soon as the gate lets it through, and waits itself while too many wait there.
func (c *collector) add(ctx context.Context, key Key, probe func() Sample) {
	c.pending.Go(func() error {
		if c.hasHung(key) {
			return nil
		}
		leave, err := c.gate.enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
		if !c.hasHung(key) {
			c.note(key, probe())
		}
		return nil
	})
}

// note takes a sample.
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

// hasHung reports whether the address of a key is left alone for the rest of the round. What is not probed keeps the
// standing that it has.
func (c *collector) hasHung(key Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hangs[key.Address] >= limits.TimeoutsInARow
}

// wait returns the samples when all probes have ended.
func (c *collector) wait() map[Key]Sample {
	_ = c.pending.Wait() // only the end of the context cuts a round short, whose samples are dropped
	return c.samples
}
