// SPDX-License-Identifier: Apache-2.0

package ejection

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

// Whatever happens to the replicas of a server, each step respects the bounds, and the steps terminate.
func TestNoSequenceOfEventsEjectsTooMany(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &simulation{T: t, random: rand.New(rand.NewPCG(seed, 0)), bounds: Bounds{MaxPercent: 50}}
			for range 200 {
				w.disturb()
				w.step()
			}
			w.settle()
		})
	}
}

// simulation is a server whose replicas are added, removed, fail and recover.
type simulation struct {
	*testing.T
	random   *rand.Rand
	bounds   Bounds
	replicas []Replica
	started  int
}

func (w *simulation) disturb() {
	switch w.random.IntN(8) {
	case 0:
		if len(w.replicas) < 9 {
			w.started++
			w.replicas = append(w.replicas, Replica{Pod: fmt.Sprint("pod-", w.started)})
		}
	case 1:
		if len(w.replicas) > 0 {
			ends := w.random.IntN(len(w.replicas))
			w.replicas = slices.Delete(w.replicas, ends, ends+1)
		}
	case 2:
		w.bounds = Bounds{w.random.IntN(4) == 0, 1 + w.random.Int32N(100)}
	default:
		for i := range w.replicas {
			if w.random.IntN(4) == 0 {
				w.replicas[i].Standing = discovery.Standing(w.random.IntN(3))
			}
		}
	}
}

// step executes the plan and reports whether there was anything to do.
func (w *simulation) step() bool {
	w.Helper()
	before := slices.Clone(w.replicas)
	plan := Next(w.bounds, before)
	for _, pod := range plan.Eject {
		w.flip(pod, true)
	}
	for _, pod := range plan.Restore {
		w.flip(pod, false)
	}
	switch {
	case len(plan.Eject) > 0 && len(plan.Restore) > 0:
		w.Errorf("of %v some are ejected and others restored: %+v", before, plan)
	case w.count(isEjected) > w.bounds.of(len(w.replicas)):
		w.Errorf("of %v more than %d%% are ejected: %+v", before, w.bounds.MaxPercent, plan)
	case len(plan.Eject) > 0 && w.count(serves(discovery.Healthy)) == 0:
		w.Errorf("of %v the last good one is ejected: %+v", before, plan)
	case len(plan.Eject) > 0 && w.bounds.Disabled:
		w.Errorf("of %v some are ejected though ejection is disabled: %+v", before, plan)
	}
	return !plan.IsEmpty()
}

// flip ejects or restores a replica, which must change it. Only bad ones may be ejected.
func (w *simulation) flip(pod string, ejected bool) {
	w.Helper()
	i := slices.IndexFunc(w.replicas, func(r Replica) bool { return r.Pod == pod })
	if w.replicas[i].Ejected == ejected || ejected && w.replicas[i].Standing != discovery.Unhealthy {
		w.Errorf("%+v must not be changed to ejected: %t", w.replicas[i], ejected)
	}
	w.replicas[i].Ejected = ejected
}

// settle runs steps without further events: they terminate, and all good replicas serve.
func (w *simulation) settle() {
	w.Helper()
	for steps := 0; w.step(); steps++ {
		if steps > 2 {
			w.Fatalf("the steps do not terminate: %v", w.replicas)
		}
	}
	good := func(r Replica) bool { return r.Standing == discovery.Healthy }
	switch {
	case w.count(good) != w.count(serves(discovery.Healthy)):
		w.Errorf("a good replica stays ejected: %v", w.replicas)
	case w.count(isEjected) > 0 && w.count(isEjected)+w.count(serves(discovery.Unhealthy)) == len(w.replicas):
		w.Errorf("replicas stay ejected though no other is healthy: %v", w.replicas)
	case w.count(isEjected) > 0 && w.bounds.Disabled:
		w.Errorf("replicas stay ejected though ejection is disabled: %v", w.replicas)
	}
}

func (w *simulation) count(match func(Replica) bool) int {
	return len(podsOf(w.replicas, match))
}

func isEjected(r Replica) bool { return r.Ejected }

func serves(standing discovery.Standing) func(Replica) bool {
	return func(r Replica) bool { return !r.Ejected && r.Standing == standing }
}
