// SPDX-License-Identifier: Apache-2.0

package controllers

import "sync"

// registering are the ExtensionAPIs that are about to be registered. What others report gives way to them for a moment,
// as clients wait for an API to be served, and not for a status.
type registering struct {
	mu    sync.Mutex
	names map[string]bool
}

// note remembers whether an ExtensionAPI is about to be registered.
func (r *registering) note(name string, registers bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.names == nil {
		r.names = map[string]bool{}
	}
	if registers {
		r.names[name] = true
	} else {
		delete(r.names, name)
	}
}

// others reports whether any other than that ExtensionAPI is about to be registered.
func (r *registering) others(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.names) > 1 || len(r.names) == 1 && !r.names[name]
}
