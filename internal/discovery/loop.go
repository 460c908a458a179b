// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// firstRetry is the pause while an answer is waited for; it grows by a quarter with each further one, so that a
	// recovery is seen not much later than it comes.
	firstRetry = 50 * time.Millisecond
	// lastRetry bounds it, as the interval does, so that a recovery is seen within seconds.
	lastRetry = 10 * time.Second
	// forgottenAfter is how long what was answered is kept while nobody asks: a replica that is not ready, or an
	// APIService that is not available, for a while is not a new one afterwards. It is never less than three intervals.
	forgottenAfter = 10 * time.Minute
)

// loop is the state of one tracked target.
type loop struct {
	name      string
	wake      chan struct{}
	forgotten chan struct{}

	// These are used by the loop's goroutine only.
	client    directClient
	gate      gate
	histories map[Key]*history
	// asked is the target of the last whole round.
	asked Target
	retry time.Duration
	// policy is what the histories were judged by.
	policy Policy

	mu     sync.Mutex
	target Target
	latest Round
	told   Round
	// schedule is changed by the loop's goroutine only.
	schedule schedule
}

// newLoop returns one whose first round is due now.
func newLoop(name string, target Target, gate gate, now time.Time) *loop {
	return &loop{
		name: name, target: target, wake: make(chan struct{}, 1), forgotten: make(chan struct{}),
		gate: gate, histories: map[Key]*history{}, retry: firstRetry,
		schedule: schedule{due: now, takes: target.longest(target.requests(1))},
	}
}

// retarget returns what was probed before.
func (l *loop) retarget(target Target) (before Target) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before = l.target
	l.target = target
	if target.asksAs(before) && (before.Awaited || !target.Awaited) {
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

// plan returns what to ask now: everything when the time has come or the target is another one, or else those that are
// waited for. Another target does not put off what is due.
func (l *loop) plan(target Target, now time.Time) (isDue func(Key) bool) {
	due := !now.Before(l.schedule.due) || target.Interval != l.asked.Interval
	if due {
		l.reschedule(scheduleAfter(target, target.requests(len(l.knownKubeAPIServers())), now))
	}
	if due || !target.asksAs(l.asked) {
		// One that is back must do badly as often as any other before it is ejected again.
		maps.DeleteFunc(l.histories, func(key Key, _ *history) bool {
			return l.asked.isEjected(key) && !target.isEjected(key)
		})
		l.asked = target
		return func(key Key) bool { return due || !l.isKnownEjected(key, target) }
	}
	return func(key Key) bool { return l.isHurried(key, target) }
}

// isKnownEjected tells whether an ejected replica has been asked before. It is asked at the pace of the interval alone,
// or a new operator, which knows of no breach, could put it back for the answers of one lucky moment.
func (l *loop) isKnownEjected(key Key, target Target) bool {
	return target.isEjected(key) && l.histories[key] != nil
}

// isHurried tells whether the answer is waited for: nothing is known yet, or somebody is held up until it is good.
// Nothing else is a reason for haste: a breach counts, and ends, at the pace of the interval.
func (l *loop) isHurried(key Key, target Target) bool {
	known := l.histories[key]
	switch {
	case key.Document == DocumentOpenAPI, target.isEjected(key):
		return false
	case known == nil, known.standing == Unsettled:
		return true
	default:
		return target.Awaited && known.last.isBad(target.limitOf(key.Document))
	}
}

// pause is the time to the next round: until everything is due, or less while an answer is waited for.
func (l *loop) pause(now time.Time) time.Duration {
	left := max(0, l.schedule.due.Sub(now))
	target := l.current()
	for key := range l.last().Records {
		if l.isHurried(key, target) {
			delay := min(left, l.retry)
			l.retry = min(lastRetry, l.retry*5/4)
			return delay
		}
	}
	l.retry = firstRetry
	return left
}

// remember adds what was answered to requests that began at that time, and returns what is known of all that is asked.
func (l *loop) remember(target Target, answers answers, at time.Time) Records {
	if target.Policy != l.policy {
		l.policy = target.Policy
		for key, known := range l.histories {
			known.rejudge(target.limitOf(key.Document), target.Policy)
		}
	}
	for key, sample := range answers.samples {
		if l.histories[key] == nil {
			l.histories[key] = &history{}
		}
		l.histories[key].add(sample, at, target.limitOf(key.Document), target.Policy)
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

// knownKubeAPIServers are those that have been asked, one without a name where none has.
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
