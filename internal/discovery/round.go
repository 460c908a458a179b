// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Records are what is known of each key.
type Records map[Key]Record

// Keys returns the keys in an order that is the same each time.
func (r Records) Keys() []Key { return slices.SortedFunc(maps.Keys(r), compareKeys) }

// Round is what is known after a target was probed.
type Round struct {
	Target  Target
	Records Records
}

// moved tells whether a round differs from an earlier one in what it probed, or in any record that moved.
func (r Round) moved(before Round) bool {
	if !r.Target.asksAs(before.Target) || len(r.Records) != len(before.Records) {
		return true
	}
	for key, record := range r.Records {
		earlier, found := before.Records[key]
		if !found || earlier.Standing != record.Standing || earlier.Near != record.Near ||
			record.Last.moved(earlier.Last, r.Target.limitOf(key.Document)) ||
			earlier.Told.Resources != record.Told.Resources || !slices.Equal(earlier.LeftOut, record.LeftOut) {
			return true
		}
	}
	return false
}

// Passes tells whether every kube-apiserver that was asked for the group-version passes requests on to the server. One
// that cannot be reached from here says nothing about that.
func (r Records) Passes(groupVersion schema.GroupVersion) bool {
	asked := false
	for key, record := range r {
		if key.View != ViewKubeAPIServer || key.GroupVersion != groupVersion {
			continue
		}
		asked = true
		if failure, failed := errors.AsType[*ProbeError](record.Last.Err); failed && failure.answered() {
			return false
		}
	}
	return asked
}

// answers are what came of one round.
type answers struct {
	samples map[Key]Sample
	// kubeAPIServers are the addresses of all that there are, or, when they could not be listed, of those that are known.
	kubeAPIServers []string
}

// round probes what is due of a target, all at the same time.
func (p *Prober) round(ctx context.Context, l *loop, target Target, isDue func(Key) bool) answers {
	collector := &collector{samples: map[Key]Sample{}}
	l.client.aim(p.clock, target)
	p.askDirectly(ctx, collector, &l.client, target, isDue)
	kubeAPIServers := p.askKubeAPIServers(ctx, collector, l, target, isDue)
	collector.pending.Wait()
	return answers{collector.samples, kubeAPIServers}
}

// askDirectly asks the server itself. The token is there before the clock starts; without one nothing is asked.
func (p *Prober) askDirectly(
	ctx context.Context, collector *collector, client *directClient, target Target, isDue func(Key) bool,
) {
	keys := slices.DeleteFunc(target.Direct(), func(key Key) bool { return !isDue(key) })
	if len(keys) == 0 {
		return
	}
	token, err := p.token(ctx)
	if len(target.CABundle) == 0 {
		err = errors.New("there is no bundle of authorities to verify the server with, see CertificatesReady")
	}
	for _, key := range keys {
		asker := asker{clock: p.clock, client: client.forView(key.View), token: token, timeout: target.timeout()}
		collector.add(key, func() Sample {
			if err != nil {
				return Sample{Err: notAsked(err)}
			}
			return asker.ask(ctx, key)
		})
	}
}

// askKubeAPIServers asks every kube-apiserver, and returns their addresses. When they cannot be listed, those that are
// known get that as their error.
func (p *Prober) askKubeAPIServers(
	ctx context.Context, collector *collector, l *loop, target Target, isDue func(Key) bool,
) (addresses []string) {
	if len(target.Registered) == 0 {
		return nil
	}
	clients, err := p.kubeAPIServers(ctx)
	if err != nil {
		addresses = l.knownKubeAPIServers()
	} else {
		addresses = slices.Collect(maps.Keys(clients))
	}
	for _, groupVersion := range target.Registered {
		for _, address := range addresses {
			key := ThroughKubeAPIServer(address, groupVersion)
			switch {
			case !isDue(key):
			case err != nil:
				collector.add(key, func() Sample { return Sample{Err: notAsked(err)} })
			default:
				asker := asker{clock: p.clock, client: clients[address], timeout: target.timeout()}
				collector.add(key, func() Sample { return asker.ask(ctx, key) })
			}
		}
	}
	return addresses
}

// collector gathers the samples of probes that run at the same time.
type collector struct {
	pending sync.WaitGroup
	mu      sync.Mutex
	samples map[Key]Sample
}

func (c *collector) add(key Key, probe func() Sample) {
	c.pending.Go(func() {
		sample := probe()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.samples[key] = sample
	})
}
