// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

const (
	// firstRetry is the pause while something is not good; it grows by a quarter with each further one, so that a recovery
	// is seen not much later than it comes.
	firstRetry = 50 * time.Millisecond
	// lastRetry bounds it, as the interval does, so that a recovery is seen within seconds.
	lastRetry = 10 * time.Second
)

// KubeAPIServers returns an HTTP client for each kube-apiserver, by its address (host:port).
type KubeAPIServers func(ctx context.Context) (map[string]*http.Client, error)

// Token returns the bearer token of the identity that direct probes have. It is never the operator's own.
type Token func(ctx context.Context) (string, error)

// Prober probes the tracked targets while it runs.
type Prober struct {
	clock          clock.Clock
	kubeAPIServers KubeAPIServers
	token          Token
	metrics        *Metrics
	changed        func(name string)

	// added are the loops that Start is to run.
	added chan *loop
	mu    sync.Mutex
	loops map[string]*loop
}

// NewProber returns a Prober that calls changed after each round whose results matter.
func NewProber(
	clk clock.Clock, kubeAPIServers KubeAPIServers, token Token, metrics *Metrics,
	changed func(name string),
) *Prober {
	return &Prober{
		clock: clk, kubeAPIServers: kubeAPIServers, token: token, metrics: metrics, changed: changed,
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
		p.metrics.forgetGroupVersions(name, known.retarget(target))
		return nil
	}
	p.loops[name] = newLoop(name, target)
	return p.loops[name]
}

// measure adds results to the metrics, unless they are of what was forgotten meanwhile.
func (p *Prober) measure(l *loop, results Results) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loops[l.name] != l {
		return
	}
	target := l.current()
	for key, sample := range results {
		if slices.Contains(target.GroupVersions, key.GroupVersion) {
			p.metrics.observe(l.name, key, sample, target.Limit)
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
	retry := firstRetry
	for ctx.Err() == nil {
		target := l.current()
		results := p.round(ctx, l, target)
		if ctx.Err() != nil {
			return
		}
		p.measure(l, results)
		records := l.remember(results, target.Policy)
		if l.publish(Round{Target: target, Results: results, Records: records}) {
			p.changed(l.name)
		}
		var delay time.Duration
		delay, retry = pause(target.Interval, retry, isUnsettled(records))
		select {
		case <-ctx.Done():
		case <-l.wake:
			retry = firstRetry
		case <-p.clock.After(wait.Jitter(delay, 0.1)):
		}
	}
}

// isUnsettled tells whether anything is not good, or not known to be.
func isUnsettled(records map[Key]Record) bool {
	for _, record := range records {
		if record.Standing != Good {
			return true
		}
	}
	return false
}

// pause is the time to the next round: the interval, or less while something is not good, so that a server that starts
// or recovers is seen soon. It returns the pause after a further such round, too. One failure of a good server is no
// reason for haste: a short disturbance must not count several times.
func pause(interval, retry time.Duration, unsettled bool) (delay, nextRetry time.Duration) {
	if !unsettled {
		return interval, firstRetry
	}
	return min(interval, retry), min(lastRetry, retry*5/4)
}

// loop is the state of one tracked target.
type loop struct {
	name      string
	wake      chan struct{}
	forgotten chan struct{}
	// client and histories are used by the loop's goroutine only.
	client    directClient
	histories map[Key]*history

	mu     sync.Mutex
	target Target
	latest Round
	told   Round
}

func newLoop(name string, target Target) *loop {
	return &loop{
		name: name, target: target, wake: make(chan struct{}, 1), forgotten: make(chan struct{}),
		histories: map[Key]*history{},
	}
}

// retarget returns the group-versions that are no longer probed.
func (l *loop) retarget(target Target) (removed []schema.GroupVersion) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reflect.DeepEqual(l.target, target) {
		return nil
	}
	for _, groupVersion := range l.target.GroupVersions {
		if !slices.Contains(target.GroupVersions, groupVersion) {
			removed = append(removed, groupVersion)
		}
	}
	l.target = target
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return removed
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

// remember adds results to the histories, and forgets those of what is not asked any more.
func (l *loop) remember(results Results, policy Policy) map[Key]Record {
	maps.DeleteFunc(l.histories, func(key Key, _ *history) bool { _, asked := results[key]; return !asked })
	records := map[Key]Record{}
	for key, sample := range results {
		if l.histories[key] == nil {
			l.histories[key] = &history{}
		}
		l.histories[key].add(sample, policy)
		records[key] = l.histories[key].record()
	}
	return records
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
