// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// row is one figure of each result.
type row struct {
	name string
	of   func(*result) string
}

var rows = []row{
	{"served after", func(r *result) string { return seconds(r.served) }},
	{"Ready after", func(r *result) string { return seconds(r.ready) }},
	{"CPU of kube-apiserver until then", func(r *result) string { return seconds(r.kubeAPIServer) }},
	{"CPU of the operator until then", func(r *result) string { return seconds(r.operator) }},
	{"CPU of kube-apiserver at rest", func(r *result) string { return fmt.Sprintf("%.3f", r.kubeAPIServerAtRest) }},
	{"CPU of the operator at rest", func(r *result) string { return fmt.Sprintf("%.4f", r.operatorAtRest) }},
	{"memory at rest (most), MiB", func(r *result) string { return fmt.Sprintf("%.1f (%.1f)", r.memory, r.peak) }},
	{"metric series (own), KiB", func(r *result) string {
		return fmt.Sprintf("%d (%d), %d", r.series, r.ownSeries, r.scrape>>10)
	}},
	{"requests until Ready, for each", func(r *result) string { return each(r.requests.total(), r.size) }},
	{"reconciliations until Ready, for each", func(r *result) string { return each(r.reconciliations, r.size) }},
	{"requests at rest, a minute", func(r *result) string { return fmt.Sprint(r.requestsAtRest.total()) }},
	{"requests after a restart", func(r *result) string { return fmt.Sprint(r.restarted.total()) }},
	{"change to action, p50 and p99", func(r *result) string {
		return fmt.Sprintf("%s, %s", milliseconds(r.changes, 50), milliseconds(r.changes, 99))
	}},
}

// write prints the results as tables.
func write(w io.Writer, results []*result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range results {
		_, _ = fmt.Fprintf(table, "\t%d %s", r.size, r.way)
	}
	_, _ = fmt.Fprintln(table)
	for _, figure := range rows {
		_, _ = fmt.Fprint(table, figure.name)
		for _, r := range results {
			_, _ = fmt.Fprint(table, "\t", figure.of(r))
		}
		_, _ = fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		writeRatios(w, r, results)
		writeRequests(w, r)
	}
	writeGrowth(w, results)
	return nil
}

// writeRatios compares the operator with the same by hand.
func writeRatios(w io.Writer, r *result, all []*result) {
	i := slices.IndexFunc(all, func(other *result) bool { return other.size == r.size && other.way == byHand })
	if r.way == byHand || i < 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "\n%d, operator / by hand: served %.2f, CPU of kube-apiserver %.2f\n", r.size,
		r.served.Seconds()/all[i].served.Seconds(), r.kubeAPIServer.Seconds()/all[i].kubeAPIServer.Seconds())
}

func writeRequests(w io.Writer, r *result) {
	for _, counted := range []struct {
		title string
		requests
	}{
		{"from creation to Ready, for each", r.requests}, {"at rest", r.requestsAtRest}, {"after a restart", r.restarted},
	} {
		if len(counted.requests) == 0 {
			continue
		}
		_, _ = fmt.Fprintf(w, "\nRequests of the operator, %d ExtensionAPIs, %s:\n", r.size, counted.title)
		names := slices.SortedFunc(maps.Keys(counted.requests), func(a, b string) int {
			return counted.requests[b] - counted.requests[a]
		})
		for _, name := range names {
			number := counted.requests[name]
			_, _ = fmt.Fprintf(w, "  %6s  %6d  %s\n", each(number, r.size), number, name)
		}
	}
}

// writeGrowth prints the exponents with which figures grow: 1 is linear.
func writeGrowth(w io.Writer, results []*result) {
	for _, way := range []string{byHand, byOperator} {
		measured := slices.DeleteFunc(slices.Clone(results), func(r *result) bool { return r.way != way })
		if len(measured) < 2 {
			continue
		}
		first, last := measured[0], measured[len(measured)-1]
		exponent := func(of func(*result) float64) float64 {
			return math.Log(of(last)/of(first)) / math.Log(float64(last.size)/float64(first.size))
		}
		_, _ = fmt.Fprintf(w, "\n%s, %d to %d, exponents of growth: served %.2f, CPU of kube-apiserver %.2f", way, first.size,
			last.size, exponent(func(r *result) float64 { return r.served.Seconds() }),
			exponent(func(r *result) float64 { return r.kubeAPIServer.Seconds() }))
		if way == byOperator {
			_, _ = fmt.Fprintf(w, ", of the operator %.2f, requests %.2f, memory for each %.3f MiB",
				exponent(func(r *result) float64 { return r.operator.Seconds() }),
				exponent(func(r *result) float64 { return float64(r.requests.total()) }),
				(last.memory-first.memory)/float64(last.size-first.size))
		}
		_, _ = fmt.Fprintln(w)
	}
}

func seconds(duration time.Duration) string { return fmt.Sprintf("%.2f s", duration.Seconds()) }

func milliseconds(sorted []time.Duration, percent int) string {
	return fmt.Sprintf("%d ms", percentile(sorted, percent).Milliseconds())
}

func each(number, size int) string { return fmt.Sprintf("%.2f", float64(number)/float64(size)) }
