// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
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
	{"memory at rest (program, most), MiB", func(r *result) string {
		return fmt.Sprintf("%.1f (%.1f, %.1f)", r.memory, r.files, r.peak)
	}},
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
		writeRequests(w, r)
	}
	writeGrowth(w, results)
	writeGoals(w, results)
	return nil
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

func seconds(duration time.Duration) string { return fmt.Sprintf("%.2f s", duration.Seconds()) }

func milliseconds(sorted []time.Duration, percent int) string {
	return fmt.Sprintf("%d ms", percentile(sorted, percent).Milliseconds())
}

func each(number, size int) string { return fmt.Sprintf("%.2f", float64(number)/float64(size)) }
