// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"slices"
	"testing"
	"time"
)

var (
	targets = []Target{
		{Name: "a", Faults: []string{"slow", "killed"}},
		{Name: "b", Faults: []string{"slow", "killed"}},
		{Name: "seldom", Faults: []string{"restarted"}, Every: 4},
	}
	timing = Timing{Storm: time.Minute, Shortest: 10 * time.Second, Longest: 20 * time.Second}
)

func TestASeedAlwaysGivesTheSameRounds(t *testing.T) {
	differ := 0
	for number := range 20 {
		first := Round(1, number, targets, timing)
		if again := Round(1, number, targets, timing); !slices.Equal(again, first) {
			t.Errorf("round %d is %v, and %v the second time", number, first, again)
		}
		if !slices.Equal(Round(2, number, targets, timing), first) {
			differ++
		}
	}
	if differ == 0 {
		t.Error("two seeds give the same rounds")
	}
}

func TestARoundHasOneFaultOfEachTargetWithinItsTime(t *testing.T) {
	const rounds = 400
	faults := map[string]int{}
	for number := range rounds {
		steps := Round(7, number, targets, timing)
		if !slices.IsSortedFunc(steps, func(a, b Step) int { return int(a.At - b.At) }) {
			t.Errorf("round %d is not ordered: %v", number, steps)
		}
		seen := map[string]bool{}
		for _, step := range steps {
			if seen[step.Target] || step.At < 0 || step.At > timing.Storm || step.For < timing.Shortest ||
				step.For > timing.Longest {
				t.Errorf("round %d has the step %+v of %v", number, step, steps)
			}
			seen[step.Target] = true
			faults[step.String()]++
		}
		if !seen["a"] || !seen["b"] {
			t.Errorf("round %d has no fault of a target: %v", number, steps)
		}
	}
	for _, fault := range []string{"a: slow", "a: killed", "b: slow", "b: killed", "seldom: restarted"} {
		if faults[fault] < rounds/8 || fault == "seldom: restarted" && faults[fault] > rounds/2 {
			t.Errorf("%d of %d rounds have %q", faults[fault], rounds, fault)
		}
	}
}
