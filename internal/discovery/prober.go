// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"net/http"
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

// KubeAPIServers returns an HTTP client for each kube-apiserver, by its address (host:port).
type KubeAPIServers func(ctx context.Context) (map[string]*http.Client, error)

// Authenticate makes a transport to an endpoint send the identity that probes have. It is never the operator's own.
type Authenticate func(http.RoundTripper) http.RoundTripper

// Prober probes the tracked targets until its context ends.
type Prober struct {
	// ctx bounds the loops, whose life is that of the process and not of a call.
	ctx            context.Context
	clock          clock.Clock
	kubeAPIServers KubeAPIServers
	authenticate   Authenticate
	metrics        *Metrics
	changed        func(name string)

	mu    sync.Mutex
	loops map[string]*loop
}

// NewProber returns a Prober that runs until ctx ends and calls changed after each round whose results matter.
func NewProber(
	ctx context.Context, clk clock.Clock, kubeAPIServers KubeAPIServers, authenticate Authenticate, metrics *Metrics,
	changed func(name string),
) *Prober {
	return &Prober{
		ctx: ctx, clock: clk, kubeAPIServers: kubeAPIServers, authenticate: authenticate, metrics: metrics,
		changed: changed, loops: map[string]*loop{},
	}
}

// Track has target probed at once and then at its interval, in place of what was tracked by that name before.
func (p *Prober) Track(name string, target Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	current, found := p.loops[name]
	if found {
		current.retarget(target)
		return
	}
	ctx, cancel := context.WithCancel(p.ctx)
	current = &loop{name: name, cancel: cancel, target: target, wake: make(chan struct{}, 1)}
	p.loops[name] = current
	go p.run(ctx, current)
}

// Forget stops probing what is tracked by that name and removes its metrics.
func (p *Prober) Forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if current, found := p.loops[name]; found {
		current.cancel()
		delete(p.loops, name)
	}
	p.metrics.forget(name)
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
	for ctx.Err() == nil {
		target := l.current()
		results := p.round(ctx, l, target)
		if ctx.Err() != nil {
			return
		}
		p.metrics.observe(l.name, results)
		if l.publish(Round{Target: target, Results: results}) {
			p.changed(l.name)
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-p.clock.After(wait.Jitter(target.Interval, 0.1)):
		}
	}
}

// loop is the state of one tracked target.
type loop struct {
	name   string
	cancel context.CancelFunc
	wake   chan struct{}
	// endpoints is used by the loop's goroutine only.
	endpoints endpointClient

	mu     sync.Mutex
	target Target
	latest Round
	told   Round
}

func (l *loop) retarget(target Target) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reflect.DeepEqual(l.target, target) {
		return
	}
	l.target = target
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *loop) current() Target {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.target
}

func (l *loop) last() Round {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

// publish keeps round and tells whether it differs from what was told last so much that it should be told.
func (l *loop) publish(round Round) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latest = round
	if !round.moved(l.told) {
		return false
	}
	l.told = round
	return true
}
