// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// stuckFor advances the clock while all loops are stuck: changed blocks them.
func (b *bench) stuckFor(t *testing.T, duration time.Duration) {
	t.Helper()
	b.clock.Step(b.target.Interval + b.target.longest(b.target.requests(1)) + duration)
}

func TestOperatorIsUnhealthyIfAllLoopsAreStuck(t *testing.T) {
	b := newBench(t)
	if err := b.Healthy(nil); err != nil {
		t.Errorf("without any ExtensionAPI: %v", err)
	}
	b.changed = make(chan string) // no receiver until the end
	t.Cleanup(func() {
		go func() {
			for range b.changed {
				continue
			}
		}()
	})
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.requested)
	if err := b.Healthy(nil); err != nil {
		t.Errorf("during a round: %v", err)
	}
	b.stuckFor(t, limits.StuckFor)
	if err := b.Healthy(nil); err == nil || !strings.Contains(err.Error(), "no round of probes has started") {
		t.Errorf("while everything is stuck: %v", err)
	}
	if got := testutil.ToFloat64(b.Metric()); got < limits.StuckFor.Seconds() {
		t.Errorf("the metric is %f", got)
	}
	b.Forget("wardle")
	if err := b.Healthy(nil); err != nil || testutil.CollectAndCount(b.Metric()) != 0 {
		t.Errorf("after Forget: %v", err)
	}
}

func TestOperatorIsHealthyIfAnyLoopMakesProgress(t *testing.T) {
	b := newBench(t)
	b.Track(t.Context(), "wardle", b.target)
	receive(t, b.changed)
	b.awaitPause(t)
	stuck := newLoop("stuck", b.target, newGate(nil), b.clock.Now().Add(-time.Hour))
	b.mu.Lock()
	b.loops["stuck"] = stuck
	b.mu.Unlock()
	if err := b.Healthy(nil); err != nil {
		t.Error(err)
	}
	if got := b.overdue(); got["wardle"] != 0 || got["stuck"] < 59*time.Minute {
		t.Errorf("overdue are %v", got)
	}
}
