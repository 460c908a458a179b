// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

const (
	// firstPause and lastPause bound the time between two reverts of an object that another client keeps changing.
	firstPause = time.Second
	lastPause  = time.Minute
)

// contended lists the kinds of which each change makes kube-apiserver close its connection to a server.
var contended = map[string]bool{"APIService": true}

// ContentionError means that another client keeps changing an object, which is reverted with exponential backoff.
type ContentionError struct {
	// Owner is the last writer, as far as the object shows.
	Owner      ownership.Owner
	RetryAfter time.Duration
}

func (e *ContentionError) Error() string {
	return fmt.Sprintf("%s keeps changing it; it is reverted again within %s", e.Owner, e.RetryAfter)
}

// newBackoff returns a backoff that is reset if no client has changed an object for twice the last pause.
func newBackoff(clk clock.Clock) *flowcontrol.Backoff {
	backoff := flowcontrol.NewBackOff(firstPause, lastPause)
	backoff.Clock = clk
	return backoff
}

// isRepair reports whether the operator has applied this configuration before, and another client has changed the
// object since. An object older than that write is from a lagging cache.
func (a *Applier) isRepair(id objectID, current client.Object, configuration [sha256.Size]byte) bool {
	if current == nil {
		return false
	}
	last := a.recorded(id)
	age, err := resourceversion.CompareResourceVersion(current.GetResourceVersion(), last.resourceVersion)
	return last.uid == current.GetUID() && last.configuration == configuration && (err != nil || age >= 0)
}

// checkRevert returns a *ContentionError if an object that another client has changed again was reverted only just now.
func (a *Applier) checkRevert(id objectID, current client.Object) error {
	key := nameOf(id.kind.Kind, id.key)
	if !a.reverts.IsInBackOffSinceUpdate(key, a.reverts.Clock.Now()) {
		return nil
	}
	return &ContentionError{Owner: ownership.LastWriter(current), RetryAfter: a.reverts.Get(key)}
}

// recordRevert lengthens the pause until the next revert.
func (a *Applier) recordRevert(id objectID) {
	a.reverts.Next(nameOf(id.kind.Kind, id.key), a.reverts.Clock.Now())
}

// Revert is Patch for changes that another client may undo: it returns a *ContentionError if the object was reverted
// only just now.
func (a *Applier) Revert(ctx context.Context, object client.Object, change func()) (done bool, err error) {
	kind, err := a.client.GroupVersionKindFor(object)
	if err != nil {
		return false, err
	}
	id := objectID{kind, client.ObjectKeyFromObject(object)}
	if err := a.checkRevert(id, object); err != nil {
		return false, err
	}
	done, err = a.Patch(ctx, object, change)
	if done {
		a.recordRevert(id)
	}
	return done, err
}
