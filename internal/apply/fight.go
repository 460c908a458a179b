// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"fmt"
	"time"

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

// isOf tells whether just this was applied to just this object before.
func (r record) isOf(current client.Object, configuration [sha256.Size]byte) bool {
	return r.uid == current.GetUID() && r.configuration == configuration
}

// mayPutBack returns a *FightError when what somebody has changed again was put back only just now.
func (a *Applier) mayPutBack(id objectID, current client.Object, configuration [sha256.Size]byte) error {
	if !contended[id.kind.Kind] || current == nil || !a.recorded(id).isOf(current, configuration) {
		return nil
	}
	key, now := nameOf(id.kind.Kind, id.key), a.putBack.Clock.Now()
	if a.putBack.IsInBackOffSinceUpdate(key, now) {
		return &FightError{Holder: holder.Writer(current), RetryAfter: a.putBack.Get(key)}
	}
	a.putBack.Next(key, now)
	return nil
}
