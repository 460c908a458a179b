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

// Tokens are the bearer tokens of the identity that probes have. It is never the operator's own.
type Tokens interface {
	// Token returns one that is valid.
	Token(ctx context.Context) (string, error)
	// Replace returns another token than one that was refused, or the same one when that is too new to have been revoked.
	Replace(ctx context.Context, refused string) (string, error)
}

// Prober probes the tracked targets while it runs.
type Prober struct {
	clock          clock.Clock
	kubeAPIServers KubeAPIServers
	tokens         Tokens
	metrics        *Metrics
	changed        func(name string)
	// inFlight are taken by the requests of all loops, beside those that each has reserved.
	inFlight slots

	// added are the loops that Start is to run.
	added chan *loop
	mu    sync.Mutex
	loops map[string]*loop
}

// NewProber returns a Prober that calls changed after each round whose results matter.
func NewProber(
	clk clock.Clock, kubeAPIServers KubeAPIServers, tokens Tokens, metrics *Metrics,
	changed func(name string),
) *Prober {
	return &Prober{
		clock: clk, kubeAPIServers: kubeAPIServers, tokens: tokens, metrics: metrics, changed: changed,
		inFlight: make(slots, limits.ProbesInFlight), added: make(chan *loop), loops: map[string]*loop{},
	}
}

// Start probes until ctx ends. It implements manager.Runnable.
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

// Track has target probed at once and then at its interval, in place of what was tracked by that name before.
// Before Start runs, it waits for it, or for ctx to end.
func (p *Prober) Track(ctx context.Context, name string, target Target) {
	added := p.trackKnown(name, target)
	if added == nil {
		return
	}
	select {
	case p.added <- added:
	case <-ctx.Done():
	}
}

// trackKnown returns a new loop to be run where there is none of that name yet.
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

// measure adds samples to the metrics, unless they are of what was forgotten meanwhile.
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

// Forget stops probing what is tracked by that name and removes its metrics.
func (p *Prober) Forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if current, found := p.loops[name]; found {
		close(current.forgotten)
		delete(p.loops, name)
	}
	p.metrics.forget(prometheus.Labels{labelExtensionAPI: name})
}

// Last returns the last round, the zero value before the first has ended.
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

// probe asks what is due, and tells when that is news.
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
