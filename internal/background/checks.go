// SPDX-License-Identifier: Apache-2.0

// Package background runs checks that wait for a network other than kube-apiserver's outside of the workers: TLS
// handshakes with Pods, requests to each kube-apiserver, listing the objects of a server. It does not depend on what it
// runs, and imports nothing of this project.
package background

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/utils/clock"
)

// Looks runs checks of one kind. For each subject at most one runs at a time, and for all subjects a bounded number.
type Looks[T any] struct {
	ctx   context.Context //nolint:containedctx // checks end with the program, not with a reconciliation
	clock clock.PassiveClock
	wake  func(subject string)
	slots *semaphore.Weighted

	mu       sync.Mutex
	subjects map[string]*subject[T]
}

// subject is what is checked.
type subject[T any] struct {
	// version distinguishes what is checked now from what was checked before.
	version string
	running bool
	// result is that of a check that finished at ended; there is none while that is zero.
	result T
	ended  time.Time
}

// NewLooks returns a Looks that runs checks until ctx is done, at most atOnce concurrently. wake is called with the
// subject of each check that has finished.
func NewLooks[T any](ctx context.Context, clk clock.PassiveClock, atOnce int64, wake func(subject string)) *Looks[T] {
	return &Looks[T]{
		ctx: ctx, clock: clk, wake: wake, slots: semaphore.NewWeighted(atOnce), subjects: map[string]*subject[T]{},
	}
}

// Last returns the result of the last check of this version of a subject and when it finished, zero while there is
// none. It starts another check unless one is running, or the last one finished less than maxAge ago.
func (l *Looks[T]) Last(
	name, version string, maxAge time.Duration, check func(context.Context) T,
) (result T, ended time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, found := l.subjects[name]
	if !found || s.version != version {
		s = &subject[T]{version: version}
		l.subjects[name] = s
	}
	if !s.running && (s.ended.IsZero() || l.clock.Since(s.ended) >= maxAge) {
		s.running = true
		go l.run(name, s, check)
	}
	return s.result, s.ended
}

// Forget drops the results of a subject. The result of a running check is discarded.
func (l *Looks[T]) Forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.subjects, name)
}

func (l *Looks[T]) run(name string, s *subject[T], check func(context.Context) T) {
	if l.slots.Acquire(l.ctx, 1) != nil {
		return // the program is shutting down
	}
	result := check(l.ctx)
	l.slots.Release(1)
	if l.conclude(name, s, result) {
		l.wake(name)
	}
}

// conclude stores the result and reports whether the subject is still current.
func (l *Looks[T]) conclude(name string, s *subject[T], result T) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.running, s.result, s.ended = false, result, l.clock.Now()
	return l.subjects[name] == s
}
