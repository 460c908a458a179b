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

	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

const (
	// firstPause and lastPause bound the time between two repairs of what somebody else keeps changing.
	firstPause = time.Second
	lastPause  = time.Minute
)

// contended are the kinds of which each change costs kube-apiserver's connection to a server.
var contended = map[string]bool{"APIService": true}

// FightError says that somebody else keeps changing an object, which is put back ever more seldom.
type FightError struct {
	// Holder says who changed it last, as far as the object tells.
	Holder     holder.Holder
	RetryAfter time.Duration
}

func (e *FightError) Error() string {
	return fmt.Sprintf("%s keeps changing it; it is put back again within %s", e.Holder, e.RetryAfter)
}

// newBackoff begins anew when nobody has changed an object for twice the last pause.
func newBackoff(clk clock.Clock) *flowcontrol.Backoff {
	backoff := flowcontrol.NewBackOff(firstPause, lastPause)
	backoff.Clock = clk
	return backoff
}

// isRepair tells whether the operator has applied just this before, and somebody has changed it since. What is older
// than that write comes of a cache that lags behind.
func (a *Applier) isRepair(id objectID, current client.Object, configuration [sha256.Size]byte) bool {
	if !contended[id.kind.Kind] || current == nil {
		return false
	}
	last := a.recorded(id)
	age, err := resourceversion.CompareResourceVersion(current.GetResourceVersion(), last.resourceVersion)
	return last.uid == current.GetUID() && last.configuration == configuration && (err != nil || age >= 0)
}

// mayPutBack returns a *FightError when what somebody has changed again was put back only just now.
func (a *Applier) mayPutBack(id objectID, current client.Object) error {
	key := nameOf(id.kind.Kind, id.key)
	if !a.putBack.IsInBackOffSinceUpdate(key, a.putBack.Clock.Now()) {
		return nil
	}
	return &FightError{Holder: holder.Writer(current), RetryAfter: a.putBack.Get(key)}
}

// hasPutBack lengthens the pause until the next repair.
func (a *Applier) hasPutBack(id objectID) {
	a.putBack.Next(nameOf(id.kind.Kind, id.key), a.putBack.Clock.Now())
}

// PutBack is Patch for what somebody else may want to have otherwise: it returns a *FightError when that was put back
// only just now.
func (a *Applier) PutBack(ctx context.Context, object client.Object, change func()) (done bool, err error) {
	kind, err := a.client.GroupVersionKindFor(object)
	if err != nil {
		return false, err
	}
	id := objectID{kind, client.ObjectKeyFromObject(object)}
	if err := a.mayPutBack(id, object); err != nil {
		return false, err
	}
	done, err = a.Patch(ctx, object, change)
	if done {
		a.hasPutBack(id)
	}
	return done, err
}
