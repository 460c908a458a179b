// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/test/soak"
)

const (
	// calm is the time limit for everything to be healthy, and for nothing to change, after a round of faults.
	calm = 4 * time.Minute
	// unchangedFor is how long nothing must change in a quiet moment.
	unchangedFor = 10 * time.Second
	// dismantled is how long it takes at the end until the last Pod has terminated.
	dismantled = time.Minute
)

// rounds are long enough for a fault to be reported, and short enough for several in continuous integration.
var rounds = soak.Timing{Storm: time.Minute, Shortest: 10 * time.Second, Longest: 30 * time.Second}

// soaking is a soak in progress.
type soaking struct {
	kubeAPIServers []kubeAPIServer
	servers        []soakedServer
	excuses        soak.Excuses
	traffic        *traffic
	measures       []*soak.Measure
	// faults are those of each target, by their names.
	faults map[string]map[string]cause
}

// TestSoak lets 50 ExtensionAPIs on several kube-apiservers live through rounds of random faults, each with a quiet
// moment at its end, for SOAK_DURATION. SOAK_SEED repeats the faults of an earlier run. In each round every server, and
// most of what else can fail, has one fault.
func TestSoak(t *testing.T) {
	lasts, seed := soakSettings(t)
	start := time.Now()
	s := startSoak(t)
	longest := time.Duration(0)
	for number := 1; number == 1 || time.Since(start)+longest+dismantled < lasts; number++ {
		begun := time.Now()
		steps := soak.Round(seed, number, s.targets(), rounds)
		progress("round %d after %s:\n    %s", number, time.Since(start).Round(time.Second),
			strings.Join(soak.Describe(steps), "\n    "))
		t.Run(fmt.Sprintf("round %d", number), func(t *testing.T) { s.storm(t, steps) })
		t.Run(fmt.Sprintf("quiet moment %d", number), s.quieten)
		longest = max(longest, time.Since(begun))
	}
	s.mustNotGrow(t)
	s.dismantle(t)
	progress("the soak took %s; to repeat it: SOAK_SEED=%d", time.Since(start).Round(time.Second), seed)
}

// soakSettings skips the test where no duration is set.
func soakSettings(t *testing.T) (lasts time.Duration, seed uint64) {
	t.Helper()
	duration := os.Getenv("SOAK_DURATION")
	if duration == "" {
		t.Skip("SOAK_DURATION is not set: run 'make soak'")
	}
	lasts, err := time.ParseDuration(duration)
	if err != nil {
		t.Fatalf("SOAK_DURATION: %v", err)
	}
	seed = uint64(time.Now().UnixNano())
	if given := os.Getenv("SOAK_SEED"); given != "" {
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("SOAK_SEED: %v", err)
		}
	}
	progress("a soak of %s; to repeat it: SOAK_SEED=%d", lasts, seed)
	return lasts, seed
}

// patiently is eventually for what costs more, and takes longer.
func patiently(t *testing.T, limit time.Duration, check func(context.Context) error) time.Duration {
	t.Helper()
	took, err := pollEvery(t.Context(), time.Second, limit, check)
	if err != nil {
		t.Fatal(err)
	}
	return took
}

func startSoak(t *testing.T) *soaking {
	t.Helper()
	s := &soaking{kubeAPIServers: eachKubeAPIServer(t)}
	mayReadWidgets(t)
	s.servers = startSoakedServers(t)
	s.faults = s.allFaults()
	s.startMeasuring(t)
	s.startTraffic(t)
	s.watchConditions(t)
	return s
}

// storm causes the faults of a round, and returns when each is over.
func (s *soaking) storm(t *testing.T, steps []soak.Step) {
	t.Helper()
	start := time.Now()
	for _, step := range steps {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			pause(t, time.Until(start.Add(step.At)))
			begun := time.Now()
			s.faults[step.Target][step.Fault](t, s, step)
			progress("  %s: over after %s", step, time.Since(begun).Round(time.Second))
		})
	}
}

// quieten expects everything to be healthy and nothing to change, and takes the measures.
func (s *soaking) quieten(t *testing.T) {
	healthy := patiently(t, calm, s.areHealthy(s.names()...))
	unchanged := patiently(t, calm, s.nothingChanges())
	progress("  all healthy after %s, unchanged after another %s", healthy, unchanged)
	for _, server := range s.servers {
		if err := server.hasRotated(t.Context()); err != nil {
			t.Error(err)
		}
	}
	s.measure(t)
	s.traffic.mustBeFlawless(t)
}

// dismantle deletes all ExtensionAPIs, and checks that nothing is left behind.
func (s *soaking) dismantle(t *testing.T) {
	t.Helper()
	s.traffic.end()
	took := deleteSoaked(t, s.all())
	patiently(t, time.Minute, func(ctx context.Context) error {
		left, err := takeInventory(ctx, ownerLabel)
		for name := range left {
			err = fmt.Errorf("left behind: %s", name)
		}
		return err
	})
	progress("all were deleted after %s", took)
}
