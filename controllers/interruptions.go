// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"sync"
	"time"
)

// interruptions remember since when reconciliations of an ExtensionAPI have not looked at everything. An operator that
// has restarted knows of none: it takes that much longer until conditions turn Unknown.
type interruptions struct {
	mu    sync.Mutex
	began map[string]time.Time
}

// since is when the first of the errors in a row was, zero when there is none.
func (i *interruptions) since(name string, err error, now time.Time) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err == nil {
		delete(i.began, name)
		return time.Time{}
	}
	if i.began == nil {
		i.began = map[string]time.Time{}
	}
	if _, found := i.began[name]; !found {
		i.began[name] = now
	}
	return i.began[name]
}

func (i *interruptions) forget(name string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.began, name)
}
