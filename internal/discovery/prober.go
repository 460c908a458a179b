// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// KubeAPIServers returns an HTTP client without credentials for each kube-apiserver, by its address (host:port).
type KubeAPIServers func(ctx context.Context) (map[string]*http.Client, error)

// Tokens are the bearer tokens of the identity of probes, which is never the operator's own.
type Tokens interface {
	// Token returns a valid token.
	Token(ctx context.Context) (string, error)
	// Replace returns a new token for one that was rejected, or the same one if it is too new to have been revoked.
	Replace(ctx context.Context, refused string) (string, error)
}

// Prober probes the tracked targets while it runs.
type Prober struct {
	clock          clock.Clock
	kubeAPIServers KubeAPIServers
	tokens         Tokens
	metrics        *Metrics
	changed        func(name string)
	// inFlight limits the concurrent requests of all loops, in addition to the reserved slots of each.
	inFlight slots

	// added passes new loops to Start, which runs them.
	added chan *loop
	mu    sync.Mutex
	loops map[string]*loop
}

// NewProber returns a Prober that calls changed after each round with significant changes.
func NewProber(
	clk clock.Clock, kubeAPIServers KubeAPIServers, tokens Tokens, metrics *Metrics,
	changed func(name string),
) *Prober {
	return &Prober{
		clock: clk, kubeAPIServers: kubeAPIServers, tokens: tokens, metrics: metrics, changed: changed,
		inFlight: make(slots, limits.ProbesInFlight), added: make(chan *loop), loops: map[string]*loop{},
	}
}

// Start probes until ctx is done. It implements manager.Runnable.
func (p *Prober) Start(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case added := <-p.added:
			running.Go(func() { p.run(ctx, added) })
		}
	}
}

// Track probes target immediately and then at its interval, in place of the target tracked by that name before. It
// blocks until Start runs or ctx is done.
func (p *Prober) Track(ctx context.Context, name string, target Target) {
	added := p.trackKnown(name, target)
	if added == nil {
		return
	}
	select {
	case p.added <- added:
	case <-ctx.Done():
		p.drop(name, added)
	}
}

// drop forgets a loop that does not run, so that the next Track adds another one.
func (p *Prober) drop(name string, added *loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loops[name] == added {
		delete(p.loops, name)
	}
}

// trackKnown returns a new loop to run if there is none of that name yet.
func (p *Prober) trackKnown(name string, target Target) (added *loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, found := p.loops[name]; found {
		p.metrics.forgetDropped(name, known.retarget(target), target)
		return nil
	}
	p.loops[name] = newLoop(name, target, newGate(p.inFlight), p.clock.Now())
	return p.loops[name]
}

// measure adds samples to the metrics, except those of targets that are no longer tracked.
func (p *Prober) measure(l *loop, samples map[Key]Sample) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loops[l.name] != l {
		return
	}
	p.metrics.observeInterval(l.name, l.scheduled().interval)
	target := l.current()
	for key, sample := range samples {
		if target.has(key) {
			p.metrics.observe(l.name, key, sample, target.limitOf(key.Document))
		}
	}
}

// Forget stops probing the target tracked by that name and removes its metrics.
func (p *Prober) Forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if current, found := p.loops[name]; found {
		close(current.forgotten)
		delete(p.loops, name)
	}
	p.metrics.forget(prometheus.Labels{labelExtensionAPI: name})
}

// Last returns the last round, the zero value before the first one has finished.
func (p *Prober) Last(name string) Round {
	p.mu.Lock()
	current, found := p.loops[name]
	p.mu.Unlock()
	if !found {
		return Round{}
	}
	return current.last()
}

func (p *Prober) run(ctx context.Context, l *loop) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-l.forgotten:
		case <-ctx.Done():
		}
	}()
	defer l.client.close()
	for ctx.Err() == nil {
		p.probe(ctx, l)
		delay := l.pause(p.clock.Now())
		if delay == 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
			l.retry = firstRetry
		case <-p.clock.After(delay):
		}
	}
}

// probe sends the due probes, and calls changed if their results changed significantly.
func (p *Prober) probe(ctx context.Context, l *loop) {
	target, began := l.current(), p.clock.Now()
	answers := p.round(ctx, l, target, l.plan(target, began))
	if ctx.Err() != nil {
		return
	}
	p.measure(l, answers.samples)
	records := l.remember(target, answers, began)
	if l.publish(NewRound(target, records)) {
		p.changed(l.name)
	}
}
