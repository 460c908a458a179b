// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
)

// goal is an upper limit of a figure. Those of what is compared are for an existing Service, as the same by hand is.
type goal struct {
	name string
	// of returns the figure of a result, and its limit for that size; hand is the same by hand.
	of func(r, hand *result) (figure, limit float64)
	// profile shows where the figure comes from.
	profile string
}

var goals = []goal{
	{"served, times by hand", func(r, hand *result) (figure, limit float64) {
		return r.served.Seconds() / hand.served.Seconds(), 1.3
	}, "register-%s-kube-apiserver.pprof"},
	{"CPU of kube-apiserver until then, times by hand", func(r, hand *result) (figure, limit float64) {
		return r.kubeAPIServer.Seconds() / hand.kubeAPIServer.Seconds(), 1.5
	}, "register-%s-kube-apiserver.pprof"},
	{"CPU of the operator at rest, in cores", func(r, _ *result) (figure, limit float64) {
		return r.operatorAtRest, 0.02 * float64(max(r.size, 100)) / 100
	}, "rest-%s.pprof"},
	{"memory at rest, in MiB", func(r, _ *result) (figure, limit float64) {
		return r.memory, 45 + 0.1*float64(r.size)
	}, "heap-%s.pprof"},
}

// writeGoals compares what was measured with the goals, and names the profile of those that are missed.
func writeGoals(w io.Writer, results []*result) {
	for _, r := range results {
		i := slices.IndexFunc(results, func(other *result) bool { return other.size == r.size && other.way == byHand })
		if r.way != byOperator || i < 0 {
			continue
		}
		_, _ = fmt.Fprintf(w, "\nGoals, %d ExtensionAPIs:\n", r.size)
		for _, g := range goals {
			figure, limit := g.of(r, results[i])
			verdict := "reached"
			if figure > limit {
				verdict = "missed, see " + fmt.Sprintf(g.profile, r.name())
			}
			_, _ = fmt.Fprintf(w, "  %8.3f  at most %-8.3g %s: %s\n", figure, limit, g.name, verdict)
		}
	}
}
