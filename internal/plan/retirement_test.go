// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestWhatIsRegisteredGoesWithTheNamespaceAtOnce(t *testing.T) {
	for state, want := range map[snapshot.Namespace]struct {
		unwanted, kept int
		count          bool
	}{
		snapshot.Active: {0, 1, true}, snapshot.Terminating: {1, 0, false}, snapshot.Missing: {1, 0, false},
	} {
		s := snapshottest.New()
		s.Namespace = snapshot.Of(state, nil)
		r := nextOf(t, s).Registration
		if len(r.Unwanted) != want.unwanted || len(r.Kept) != want.kept || r.Count != want.count {
			t.Errorf("in namespace state %d, %d go, %d stay, and objects are counted: %t",
				state, len(r.Unwanted), len(r.Kept), r.Count)
		}
	}
}
