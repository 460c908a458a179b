// SPDX-License-Identifier: Apache-2.0

// Package background runs outside of the workers what waits for a network other than kube-apiserver's: TLS handshakes
// with Pods, each kube-apiserver by itself, the objects of a server. It knows nothing of what it runs, and imports
// nothing of this project.
package background

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/utils/clock"
)

// Looks are of one kind. For each subject at most one runs at a time, and of all subjects a bounded number.
type Looks[T any] struct {
	ctx   context.Context //nolint:containedctx // looks end with the program, not with the reconciliation that began them
	clock clock.PassiveClock
	wake  func(subject string)
	slots *semaphore.Weighted

	mu       sync.Mutex
	subjects map[string]*subject[T]
}

// subject is what is looked at.
type subject[T any] struct {
	// version distinguishes what is looked at now from what was looked at before.
	version string
	running bool
	// result is of a look that ended at the time; there is none while that is zero.
	result T
	ended  time.Time
}

// NewLooks returns looks that run until ctx ends, atOnce at a time. wake is called with the subject of each that has
// ended.
func NewLooks[T any](ctx context.Context, clk clock.PassiveClock, atOnce int64, wake func(subject string)) *Looks[T] {
	return &Looks[T]{
		ctx: ctx, clock: clk, wake: wake, slots: semaphore.NewWeighted(atOnce), subjects: map[string]*subject[T]{},
	}
}

// Last returns the result of the last look at this version of a subject and when it ended, zero while there is none. It
// begins another look unless one is running, or the last one ended less than maxAge ago.
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

// Forget drops the results of a subject. A look that is running ends unheard.
func (l *Looks[T]) Forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.subjects, name)
}

func (l *Looks[T]) run(name string, s *subject[T], check func(context.Context) T) {
	if l.slots.Acquire(l.ctx, 1) != nil {
		return // the program ends
	}
	result := check(l.ctx)
	l.slots.Release(1)
	if l.conclude(name, s, result) {
		l.wake(name)
	}
}

// conclude reports whether the subject is still looked at.
func (l *Looks[T]) conclude(name string, s *subject[T], result T) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.running, s.result, s.ended = false, result, l.clock.Now()
	return l.subjects[name] == s
}
