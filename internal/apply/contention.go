// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// Contention is an object that another client keeps changing, and that is reverted at once each time: unlike that of an
// APIService, its change costs no connection of kube-apiserver.
type Contention struct {
	Kind      string
	Object    client.Object
	Contender ownership.Contender
}

// Contentions collects them. Its zero value is empty, and it is safe for concurrent use.
type Contentions struct {
	mu    sync.Mutex
	found []Contention
}

// All returns those that were found.
func (c *Contentions) All() []Contention {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.found
}

func (c *Contentions) add(found Contention) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found = append(c.found, found)
}

// Reporting returns an Applier that adds to contentions what it has to revert again and again.
func (a *Applier) Reporting(contentions *Contentions) *Applier {
	derived := *a
	derived.contentions = contentions
	return &derived
}

// reportedAfter is the pause that the reverts of an object would have by now from which on they are reported: two in a
// row may be one person's.
const reportedAfter = 2 * time.Second

// beforeRevert returns a *ContentionError if an APIService was reverted only just now.
func (a *Applier) beforeRevert(ctx context.Context, r request) (*ownership.Contender, error) {
	if contended[r.id.kind.Kind] {
		return nil, a.checkRevert(r.id, r.current)
	}
	return a.contender(ctx, r)
}

// contender reads who has changed an object that was reverted before, nil if that is not to be reported: the write that
// reverts it removes that from its managed fields.
func (a *Applier) contender(ctx context.Context, r request) (*ownership.Contender, error) {
	if a.contentions == nil || a.reverts.Get(nameOf(r.id.kind.Kind, r.id.key)) < reportedAfter {
		return nil, nil
	}
	object := inventory.Metadata(r.id.kind)
	if err := a.live.Get(ctx, r.id.key, object); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	contender := ownership.ContenderOf(object)
	return &contender, nil
}

// reverted records that an object was written because another client had changed it.
func (a *Applier) reverted(r request, by *ownership.Contender) {
	if !contended[r.id.kind.Kind] && r.wanted.GetResourceVersion() == r.current.GetResourceVersion() {
		return // what was changed is not what the operator applies
	}
	a.recordRevert(r.id)
	if by != nil {
		a.contentions.add(Contention{r.id.kind.Kind, r.wanted, *by})
	}
}
