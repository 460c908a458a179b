// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// firstRetry is the first pause while a result is awaited; each further pause is a quarter longer, so that a recovery
	// is noticed soon after it happens.
	firstRetry = 50 * time.Millisecond
	// lastRetry bounds the pause, as the interval does, so that a recovery is noticed within seconds.
	lastRetry = 10 * time.Second
	// lastRetryOfReplaced bounds it while the stand-in serves discovery, since clients wait for the server.
	lastRetryOfReplaced = 2 * time.Second
	// serviceInterval is the time between two probes of the Service's address while nothing waits for them: it is probed
	// for what is registered next.
	serviceInterval = 5 * time.Minute
	// forgottenAfter is how long a history is kept without new samples: an APIService that is not available for a while,
	// or an endpoint without a Pod that is not ready, is not a new one afterwards. It is never less than three intervals.
	forgottenAfter = 10 * time.Minute
)

// loop is the state of one tracked target.
type loop struct {
	name      string
	wake      chan struct{}
	forgotten chan struct{}

	// These fields are used by the loop's goroutine only.
	client    directClient
	gate      gate
	histories map[Key]*history
	// probed is the target of the last full round.
	probed Target
	retry  time.Duration
	// policy is the one that the histories were last judged by.
	policy Policy

	mu       sync.Mutex
	target   Target
	latest   Round
	reported Round
	// schedule is changed by the loop's goroutine only.
	schedule schedule
}

// newLoop returns a loop whose first round is due now.
func newLoop(name string, target Target, gate gate, now time.Time) *loop {
	return &loop{
		name: name, target: target, wake: make(chan struct{}, 1), forgotten: make(chan struct{}),
		gate: gate, histories: map[Key]*history{}, retry: firstRetry,
		schedule: schedule{due: now, takes: target.longest(target.requests(1))},
	}
}

// retarget replaces the target and returns the previous one.
func (l *loop) retarget(target Target) (before Target) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before = l.target
	l.target = target
	if target.probesLike(before) && (before.Awaited || !target.Awaited) {
		return before
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return before
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

// plan returns what to probe now: everything if the round is due or the target has changed, otherwise only keys whose
// result is awaited. A changed target does not delay a due round.
func (l *loop) plan(target Target, now time.Time) (isDue func(Key) bool) {
	due := l.isRoundDue(target, now)
	if due {
		l.scheduleNext(target, now)
	}
	before := l.probed
	l.probed = target
	if !due && target.probesDirectlyLike(before) {
		registers := !target.probesLike(before)
		return func(key Key) bool { return registers && l.isOfRegistered(key, target) || l.isUrgent(key, target) }
	}
	l.dropOutdated(before, target)
	calm := !target.Awaited && !l.fails(target)
	return func(key Key) bool {
		isCalm := calm && l.isServiceKnown(key, now)
		return !isCalm && (due || !l.isKnownEjected(key, target))
	}
}

// isOfRegistered reports whether a key is probed at once when kube-apiserver begins to send requests to the server: it
// shows what clients meet, or what was bad before.
func (l *loop) isOfRegistered(key Key, target Target) bool {
	return key.View == ViewKubeAPIServer || l.isBad(key, target)
}

func (l *loop) isRoundDue(target Target, now time.Time) bool {
	return !now.Before(l.schedule.due) || target.Interval != l.probed.Interval
}

func (l *loop) scheduleNext(target Target, now time.Time) {
	next := scheduleAfter(target, target.requests(len(l.knownKubeAPIServers())), now)
	if isFirst := l.probed.Interval == 0; isFirst {
		next = next.spread(now)
	}
	l.reschedule(next)
}

// dropOutdated drops what does not count any more. A readmitted replica must fail as often as any other before it is
// ejected again. An answer of the Service under other terms is none, as it is not probed in each round.
func (l *loop) dropOutdated(before, target Target) {
	maps.DeleteFunc(l.histories, func(key Key, _ *history) bool {
		return before.isEjected(key) && !target.isEjected(key) || target.isOfEarlierRun(key) ||
			key.View == ViewService && !before.SameTrust(target)
	})
}

// isKnownEjected reports whether an ejected replica has been probed before. It is probed at the interval only.
// Otherwise a restarted operator, which has no record of the breach, could readmit it after a few good responses in
// quick succession.
func (l *loop) isKnownEjected(key Key, target Target) bool {
	return target.isEjected(key) && l.histories[key] != nil
}

// isServiceKnown reports whether the address of the Service, which has answered, need not be probed while nothing waits
// for it and nothing behind it fails. Each of its probes takes a TLS handshake.
func (l *loop) isServiceKnown(key Key, now time.Time) bool {
	known := l.histories[key]
	return key.View == ViewService && known != nil && now.Sub(known.samples.at) < serviceInterval
}

// fails reports whether anything failed that was last probed without kube-apiserver.
func (l *loop) fails(target Target) bool {
	for key := range l.histories {
		if key.View != ViewKubeAPIServer && l.isBad(key, target) {
			return true
		}
	}
	return false
}

// isBad reports whether the last answer was bad.
func (l *loop) isBad(key Key, target Target) bool {
	known := l.histories[key]
	return known != nil && known.last.isBad(target.limitOf(key.Document))
}

// isUrgent reports whether the result is awaited: nothing is known yet, or something is blocked until it is good.
// Nothing else is urgent: a breach begins and ends at the pace of the interval.
func (l *loop) isUrgent(key Key, target Target) bool {
	known := l.histories[key]
	switch {
	case key.Document == DocumentOpenAPI, target.isEjected(key):
		return false
	case known == nil, known.standing == Unsettled && key.View != ViewService:
		return true
	default:
		return target.Awaited && known.last.isBad(target.limitOf(key.Document))
	}
}

// pause returns the time to the next round: until the full round is due, or less while a result is awaited.
func (l *loop) pause(now time.Time) time.Duration {
	left := max(0, l.schedule.due.Sub(now))
	target := l.current()
	for key := range l.last().Records {
		if l.isUrgent(key, target) {
			longest := lastRetry
			if target.Replaced {
				longest = lastRetryOfReplaced
			}
			delay := min(left, l.retry, longest)
			l.retry = min(longest, l.retry*5/4)
			return delay
		}
	}
	l.retry = firstRetry
	return left
}

// remember adds the samples of requests that began at that time, and returns the records of all current keys.
func (l *loop) remember(target Target, answers answers, at time.Time) Records {
	if target.Policy != l.policy {
		l.policy = target.Policy
		for key, known := range l.histories {
			known.rejudge(target.limitOf(key.Document), target.Policy)
		}
	}
	before := l.last().Records
	for key, sample := range answers.samples {
		known, limit := l.historyOf(key), target.limitOf(key.Document)
		if _, stayed := before[key]; !stayed && key.View == ViewEndpoint && !sample.isBad(limit) {
			known.pardon()
		}
		known.add(sample, at, limit, target.Policy)
	}
	maps.DeleteFunc(l.histories, func(_ Key, known *history) bool {
		return at.Sub(known.samples.at) > max(forgottenAfter, 3*target.Interval)
	})
	records := Records{}
	for _, key := range append(target.Direct(), target.through(answers.kubeAPIServers)...) {
		if known, found := l.histories[key]; found {
			records[key] = known.record(target.Policy)
		}
	}
	return records
}

// historyOf returns the history of a key, a new one if nothing is known of it.
func (l *loop) historyOf(key Key) *history {
	if l.histories[key] == nil {
		l.histories[key] = &history{}
	}
	return l.histories[key]
}

// knownKubeAPIServers returns the addresses of the probed kube-apiservers, one empty address if there are none.
func (l *loop) knownKubeAPIServers() []string {
	var addresses []string
	for key := range l.histories {
		if key.View == ViewKubeAPIServer && !slices.Contains(addresses, key.Address) {
			addresses = append(addresses, key.Address)
		}
	}
	if len(addresses) == 0 {
		return []string{""}
	}
	return addresses
}

// publish stores round and reports whether it differs significantly from the last reported one.
func (l *loop) publish(round Round) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latest = round
	if !round.moved(l.reported) {
		return false
	}
	l.reported = round
	return true
}
