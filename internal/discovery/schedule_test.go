// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

func TestIntervalIsExtendedForLargeRounds(t *testing.T) {
	now := time.Unix(0, 0)
	for name, test := range map[string]struct {
		interval time.Duration
		requests int
		want     time.Duration
	}{
		"a few":                            {30 * time.Second, 8, 30 * time.Second},
		"as many as fit into the interval": {time.Second, limits.ProbesPerSecond, time.Second},
		"more":                             {time.Second, 3 * limits.ProbesPerSecond, 3 * time.Second},
		"the maximum for one ExtensionAPI": {30 * time.Second, limits.ProbesOfRound, 40960 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			target := Target{Policy: testPolicy}
			target.Interval = test.interval
			got := scheduleAfter(target, test.requests, now)
			if got.interval != test.want {
				t.Errorf("the interval is %s, want %s", got.interval, test.want)
			}
			if rate := float64(test.requests) / got.due.Sub(now).Seconds(); rate > limits.ProbesPerSecond*20/17 {
				t.Errorf("the next round is due after %s: %f requests a second", got.due.Sub(now), rate)
			}
			if got.due.After(now.Add(test.want)) {
				t.Errorf("the next round is due after %s", got.due.Sub(now))
			}
		})
	}
}

func TestRoundsAreOverdueOnlyAfterTheMaximumDurationOfThePreviousOne(t *testing.T) {
	now := time.Unix(0, 0)
	next := scheduleAfter(Target{Policy: testPolicy}, 2*limits.ProbesInFlightOfOne, now)
	hung := 2*testPolicy.timeout() + pace(2*limits.ProbesInFlightOfOne)
	if got := next.overdue(next.due.Add(hung)); got != 0 {
		t.Errorf("it is overdue by %s although two batches of requests may have timed out", got)
	}
	if got := next.overdue(next.due.Add(hung + time.Minute)); got != time.Minute {
		t.Errorf("it is overdue by %s, want a minute", got)
	}
}

func TestTheSecondRoundsOfLoopsThatBeginAtOnceAreSpread(t *testing.T) {
	now := time.Unix(0, 0)
	target := Target{Policy: testPolicy}
	target.Interval = time.Minute
	earliest, latest := time.Minute, time.Duration(0)
	for range 200 {
		l := newLoop("one", target, gate{}, now)
		l.plan(target, now)
		left := l.scheduled().due.Sub(now)
		earliest, latest = min(earliest, left), max(latest, left)
	}
	if earliest < 20*time.Second || latest > time.Minute || latest-earliest < 15*time.Second {
		t.Errorf("they are due after %s to %s", earliest, latest)
	}
}
