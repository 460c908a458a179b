// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"sync"
	"time"
)

// Excuses are when what is named, an ExtensionAPI or a kube-apiserver, need not work. They are safe for concurrent use.
type Excuses struct {
	mu      sync.Mutex
	periods map[string][]*period
}

// period ends at the zero value as long as it lasts.
type period struct{ from, to time.Time }

// Begin excuses the named ones from then on, until end is called.
func (e *Excuses) Begin(from time.Time, names ...string) (end func(to time.Time)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.periods == nil {
		e.periods = map[string][]*period{}
	}
	lasting := &period{from: from}
	for _, name := range names {
		e.periods[name] = append(e.periods[name], lasting)
	}
	return func(to time.Time) {
		e.mu.Lock()
		defer e.mu.Unlock()
		lasting.to = to
	}
}

// Cover reports whether one of the named ones was excused at any time between from and to.
func (e *Excuses) Cover(from, to time.Time, names ...string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range names {
		for _, period := range e.periods[name] {
			if !period.from.After(to) && (period.to.IsZero() || !period.to.Before(from)) {
				return true
			}
		}
	}
	return false
}
