// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// writes remember the last status of each ExtensionAPI that was written: when, so that each step on the way to Ready is
// not a request of its own, and its resourceVersion, so that its event is not a reconciliation of its own.
type writes struct {
	mu   sync.Mutex
	last map[string]lastWrite
}

type lastWrite struct {
	at              time.Time
	resourceVersion string
}

// since returns how long ago the last status was written, or when it was first to be, by this operator.
func (w *writes) since(name string, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, found := w.last[name]
	if !found {
		w.put(name, lastWrite{at: now})
		return 0
	}
	return now.Sub(last.at)
}

func (w *writes) note(name, resourceVersion string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.put(name, lastWrite{now, resourceVersion})
}

func (w *writes) put(name string, last lastWrite) {
	if w.last == nil {
		w.last = map[string]lastWrite{}
	}
	w.last[name] = last
}

func (w *writes) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.last, name)
}

// byOthers drops the event of a status that was written. What depends on it is reconciled after report.Pause.
func (w *writes) byOthers() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		written := w.last[e.ObjectNew.GetName()].resourceVersion
		return written == "" || written != e.ObjectNew.GetResourceVersion()
	}}
}
