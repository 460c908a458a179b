// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"net/http"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

// firstRetry is the pause after a round that failed; it doubles with each further one, up to the interval.
const firstRetry = 100 * time.Millisecond

// KubeAPIServers returns an HTTP client for each kube-apiserver, by its address (host:port).
type KubeAPIServers func(ctx context.Context) (map[string]*http.Client, error)

// Authenticate makes a transport to an endpoint send the identity that probes have. It is never the operator's own.
type Authenticate func(http.RoundTripper) http.RoundTripper

// Prober probes the tracked targets while it runs.
type Prober struct {
	clock          clock.Clock
	kubeAPIServers KubeAPIServers
	authenticate   Authenticate
	metrics        *Metrics
	changed        func(name string)

	// added are the loops that Start is to run.
	added chan *loop
	mu    sync.Mutex
	loops map[string]*loop
}

// NewProber returns a Prober that calls changed after each round whose results matter.
func NewProber(
	clk clock.Clock, kubeAPIServers KubeAPIServers, authenticate Authenticate, metrics *Metrics,
	changed func(name string),
) *Prober {
	return &Prober{
		clock: clk, kubeAPIServers: kubeAPIServers, authenticate: authenticate, metrics: metrics, changed: changed,
		added: make(chan *loop), loops: map[string]*loop{},
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
	p.mu.Lock()
	current, found := p.loops[name]
	if !found {
		current = newLoop(name, target)
		p.loops[name] = current
	}
	p.mu.Unlock()
	if found {
		current.retarget(target)
		return
	}
	select {
	case p.added <- current:
	case <-ctx.Done():
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-l.forgotten:
		case <-ctx.Done():
		}
	}()
	retry := firstRetry
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
		var delay time.Duration
		delay, retry = pause(target.Interval, retry, results.failed())
		select {
		case <-ctx.Done():
		case <-l.wake:
			retry = firstRetry
		case <-p.clock.After(wait.Jitter(delay, 0.1)):
		}
	}
}

// pause is the time to the next round: the interval, or less after a failure, so that a server that starts or recovers
// is seen soon. It returns the pause after a further failure, too.
func pause(interval, retry time.Duration, failed bool) (delay, nextRetry time.Duration) {
	if !failed {
		return interval, firstRetry
	}
	return min(interval, retry), min(interval, 2*retry)
}

// loop is the state of one tracked target.
type loop struct {
	name      string
	wake      chan struct{}
	forgotten chan struct{}
	// client is used by the loop's goroutine only.
	client directClient

	mu     sync.Mutex
	target Target
	latest Round
	told   Round
}

func newLoop(name string, target Target) *loop {
	return &loop{name: name, target: target, wake: make(chan struct{}, 1), forgotten: make(chan struct{})}
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
