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

// Checks runs checks of one kind. For each subject at most one runs at a time, and for all subjects a bounded number.
type Checks[T any] struct {
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

// NewChecks returns a Checks that runs checks until ctx is done, at most atOnce concurrently. wake is called with the
// subject of each check that has finished.
func NewChecks[T any](ctx context.Context, clk clock.PassiveClock, atOnce int64, wake func(subject string)) *Checks[T] {
	return &Checks[T]{
		ctx: ctx, clock: clk, wake: wake, slots: semaphore.NewWeighted(atOnce), subjects: map[string]*subject[T]{},
	}
}

// Result returns the result of the last check of this version of a subject and when it finished, zero while there is
// none.
func (c *Checks[T]) Result(name, version string) (result T, ended time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, found := c.subjects[name]; found && s.version == version {
		return s.result, s.ended
	}
	return result, ended
}

// Start starts a check of this version of a subject, unless one is running or the last one finished less than maxAge
// ago.
func (c *Checks[T]) Start(name, version string, maxAge time.Duration, check func(context.Context) T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, found := c.subjects[name]
	if !found || s.version != version {
		s = &subject[T]{version: version}
		c.subjects[name] = s
	}
	if !s.running && (s.ended.IsZero() || c.clock.Since(s.ended) >= maxAge) {
		s.running = true
		go c.run(name, s, check)
	}
}

// Last starts a check where Start does, and returns the result of the last one.
func (c *Checks[T]) Last(
	name, version string, maxAge time.Duration, check func(context.Context) T,
) (result T, ended time.Time) {
	c.Start(name, version, maxAge, check)
	return c.Result(name, version)
}

// Forget drops the results of a subject. The result of a running check is discarded.
func (c *Checks[T]) Forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subjects, name)
}

func (c *Checks[T]) run(name string, s *subject[T], check func(context.Context) T) {
	if c.slots.Acquire(c.ctx, 1) != nil {
		return // the program is shutting down
	}
	result := check(c.ctx)
	c.slots.Release(1)
	if c.conclude(name, s, result) {
		c.wake(name)
	}
}

// conclude stores the result and reports whether the subject is still current.
func (c *Checks[T]) conclude(name string, s *subject[T], result T) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.running, s.result, s.ended = false, result, c.clock.Now()
	return c.subjects[name] == s
}
