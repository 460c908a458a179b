// SPDX-License-Identifier: Apache-2.0

// Package soak decides what a soak does and what it has shown: when which fault is caused, which failures that excuses,
// and what has grown. It is pure; the soak itself is TestSoak in test/e2e.
package soak

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Target is what faults are caused for, one in a round at most.
type Target struct {
	Name   string
	Faults []string
	// Every is in how many rounds it has a fault once, on average; 0 is every round.
	Every int
}

// Step is a fault of a target.
type Step struct {
	Target, Fault string
	// At is when it begins, from the start of the round, and For is how long it lasts at least.
	At, For time.Duration
}

func (s Step) String() string { return s.Target + ": " + s.Fault }

// Timing of the rounds.
type Timing struct {
	// Storm is how long faults begin after the start of a round.
	Storm time.Duration
	// Shortest and Longest limit how long a fault lasts.
	Shortest, Longest time.Duration
}

// Round returns the steps of a round in the order in which they begin. They follow from the seed and the number alone,
// so that a round can be repeated without those before it.
func Round(seed uint64, number int, targets []Target, timing Timing) []Step {
	random := rand.New(rand.NewPCG(seed, uint64(number))) //nolint:gosec // G115, G404: repeatable, and it counts from 1
	var steps []Step
	for _, i := range random.Perm(len(targets)) {
		target := targets[i]
		if random.IntN(max(1, target.Every)) > 0 {
			continue
		}
		steps = append(steps, Step{
			Target: target.Name,
			Fault:  target.Faults[random.IntN(len(target.Faults))],
			At:     between(random, 0, timing.Storm),
			For:    between(random, timing.Shortest, timing.Longest),
		})
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	return steps
}

func between(random *rand.Rand, shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(random.Int64N(int64(longest-shortest)+1))
}

// Describe returns the steps as lines of text.
func Describe(steps []Step) (lines []string) {
	for _, step := range steps {
		lines = append(lines, fmt.Sprintf("%4.0f s, for %2.0f s: %s", step.At.Seconds(), step.For.Seconds(), step))
	}
	return lines
}
