// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

const (
	// probesAtOnce bounds the requests of top at the same time.
	probesAtOnce = 16
	// roundsInPipe is how often top measures where its output is no terminal.
	roundsInPipe = 10
	// clearScreen moves to the upper left corner and erases what follows (ECMA-48).
	clearScreen = "\x1b[H\x1b[J"
)

// top is the command.
type top struct {
	*options
	output   outputFlag
	interval time.Duration
	count    int

	measured map[string]*series
}

const topHelp = `Requests the discovery of each group-version through kube-apiserver again and again, and
shows latencies as seen from this machine, with a plot of the last ones (× is a failure), beside the
99th percentile that the operator measured. On a terminal it goes on until it is interrupted; in a
pipe it prints one table after ten rounds.`

func topCommand(o *options) *cobra.Command {
	t := &top{options: o, measured: map[string]*series{}}
	command := &cobra.Command{
		Use:   "top [APISERVICE ...]",
		Short: "Show how fast group-versions answer discovery",
		Long:  topHelp,
		Example: "  kubectl extensionapi top\n  kubectl extensionapi top v1beta1.metrics.k8s.io --interval " +
			"1s --count 30",
		ValidArgsFunction: o.completeAPIServices,
		RunE: func(command *cobra.Command, names []string) error {
			return t.run(command.Context(), names)
		},
	}
	t.output.add(command, outputText, outputWide, outputJSON, outputYAML)
	command.Flags().DurationVar(&t.interval, "interval", 2*time.Second, "Time between two rounds, at least 500ms")
	command.Flags().IntVar(&t.count, "count", 0, "Number of rounds; without end on a terminal and ten otherwise if "+
		"not set")
	return command
}

func (t *top) run(ctx context.Context, names []string) error {
	if t.interval < 500*time.Millisecond {
		return errors.New("--interval must be at least 500ms: every request goes through kube-apiserver to a server")
	}
	cluster, err := t.connect()
	if err != nil {
		return err
	}
	live := t.isLive()
	if t.count == 0 && !live {
		t.count = roundsInPipe
	}
	var rows []topRow
	return t.repeat(ctx, repeated{
		interval: t.interval, count: t.count, live: live,
		measure: func(ctx context.Context) error {
			measured, err := t.round(ctx, cluster, names)
			if err == nil {
				rows = measured
			}
			return err
		},
		show: func() error { return t.show(rows, live) },
	})
}

// isLive reports whether people watch a table.
func (t *top) isLive() bool {
	return isTerminal(t.Out) && (t.output.value == outputText || t.output.value == outputWide)
}

// round measures all group-versions once, and returns the table.
func (t *top) round(ctx context.Context, cluster *connect.Cluster, names []string) ([]topRow, error) {
	list := &apiregistrationv1.APIServiceList{}
	if err := cluster.Client.List(ctx, list); err != nil {
		return nil, err
	}
	chosen, err := chosenOf(list, names)
	if err != nil {
		return nil, err
	}
	t.measure(ctx, cluster, chosen)
	return rowsOf(chosen, t.measured, operatorView(ctx, cluster)), nil
}

// chosenOf are the APIServices with a Service, only those with a name if there are names.
func chosenOf(
	list *apiregistrationv1.APIServiceList, names []string,
) (chosen map[string]*apiregistrationv1.APIService, err error) {
	chosen = map[string]*apiregistrationv1.APIService{}
	for i := range list.Items {
		item := &list.Items[i]
		if item.Spec.Service != nil && (len(names) == 0 || slices.Contains(names, item.Name)) {
			chosen[item.Name] = item
		}
	}
	for _, name := range names {
		if chosen[name] == nil {
			return nil, fmt.Errorf("there is no APIService %q with a Service", name)
		}
	}
	return chosen, nil
}

// measure requests the discovery of those that are available.
func (t *top) measure(ctx context.Context, cluster *connect.Cluster, chosen map[string]*apiregistrationv1.APIService) {
	var group errgroup.Group
	group.SetLimit(probesAtOnce)
	var mu sync.Mutex
	for name, apiService := range chosen {
		if !snapshot.IsAvailable(apiService) {
			continue
		}
		group.Go(func() error {
			groupVersion := schema.GroupVersion{Group: apiService.Spec.Group, Version: apiService.Spec.Version}
			key := discovery.ThroughKubeAPIServer(connect.Address, groupVersion)
			sample := discovery.Once(ctx, t.clock, cluster.HTTP, key)
			mu.Lock()
			defer mu.Unlock()
			if t.measured[name] == nil {
				t.measured[name] = &series{}
			}
			t.measured[name].add(sample)
			return nil
		})
	}
	_ = group.Wait() // no request returns an error
}

// operatorView is the 99th percentile that the operator reports for each APIService, empty where there is none.
func operatorView(ctx context.Context, cluster *connect.Cluster) map[string]time.Duration {
	list := &v1alpha1.ExtensionAPIList{}
	if cluster.Client.List(ctx, list) != nil {
		return nil
	}
	reported := map[string]time.Duration{}
	for i := range list.Items {
		for _, apiService := range list.Items[i].Status.APIServices {
			if apiService.Discovery != nil && apiService.Discovery.P99 != nil {
				reported[apiService.Name] = apiService.Discovery.P99.Duration
			}
		}
	}
	return reported
}

// topRow is a group-version in the output. Latencies are absent where nothing was measured.
type topRow struct {
	Name    string `json:"name"`
	Service string `json:"service"`
	// Requests is how many succeeded, of those that percentiles are computed from.
	Requests    int              `json:"requests"`
	Last        *metav1.Duration `json:"last,omitempty"`
	P50         *metav1.Duration `json:"p50,omitempty"`
	P99         *metav1.Duration `json:"p99,omitempty"`
	Max         *metav1.Duration `json:"max,omitempty"`
	OperatorP99 *metav1.Duration `json:"operatorP99,omitempty"`
	Error       string           `json:"error,omitempty"`

	trend string
}

func rowsOf(
	chosen map[string]*apiregistrationv1.APIService, measured map[string]*series, reported map[string]time.Duration,
) []topRow {
	rows := []topRow{}
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		row := topRow{
			Name: printable(name), Service: printable(keyOf(chosen[name].Spec.Service).String()),
			OperatorP99: latencyOf(reported[name]), Error: problemOf(chosen[name], measured[name]),
		}
		if of := measured[name]; of != nil {
			row.Requests, row.trend = len(of.latencies), sparkline(of.trend)
			row.Last, row.P50 = latencyOf(of.last.Latency), latencyOf(of.percentile(50))
			row.P99, row.Max = latencyOf(of.percentile(99)), latencyOf(of.percentile(100))
		}
		rows = append(rows, row)
	}
	return rows
}

func latencyOf(latency time.Duration) *metav1.Duration {
	if latency == 0 {
		return nil
	}
	return &metav1.Duration{Duration: latency.Round(100 * time.Microsecond)}
}

var (
	topColumns  = []string{"NAME", "LAST", "P50", "P99", "MAX", "OPERATOR P99", "TREND", "ERROR"}
	wideColumns = []string{"REQUESTS", "SERVICE"}
)

func tableOf(rows []topRow, wide bool) [][]string {
	table := [][]string{topColumns}
	for _, row := range rows {
		table = append(table, []string{
			row.Name, latencyText(row.Last), latencyText(row.P50), latencyText(row.P99), latencyText(row.Max),
			latencyText(row.OperatorP99), row.trend, row.Error,
		})
	}
	if !wide {
		return table
	}
	table[0] = slices.Concat(topColumns, wideColumns)
	for i, row := range rows {
		table[i+1] = append(table[i+1], strconv.Itoa(row.Requests), row.Service)
	}
	return table
}

// problemOf is why there is no latency.
func problemOf(apiService *apiregistrationv1.APIService, of *series) string {
	if !snapshot.IsAvailable(apiService) {
		if reported := snapshot.Availability(apiService); reported != nil {
			return printable("unavailable: " + reported.Reason)
		}
		return "unavailable"
	}
	if of != nil && of.last.Err != nil {
		return printable(of.last.Err.Error())
	}
	return ""
}

func latencyText(latency *metav1.Duration) string {
	if latency == nil {
		return "-"
	}
	return latency.Duration.String()
}

// show writes the table, on a terminal in place of the last one.
func (t *top) show(rows []topRow, live bool) error {
	return t.output.write(t.Out, rows, func() error {
		page := &bytes.Buffer{}
		if live {
			page.WriteString(clearScreen)
		}
		if err := printTable(page, tableOf(rows, t.output.value == outputWide)); err != nil {
			return err
		}
		_, err := io.Copy(t.Out, page)
		return err
	})
}
