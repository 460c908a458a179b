// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
)

const (
	// pointsInPipe is how often history reads where its output is no terminal.
	pointsInPipe = 12
	// keptPoints are those that are plotted.
	keptPoints = 60
)

// history is the command.
type history struct {
	*options
	output   outputFlag
	interval time.Duration
	count    int

	recorded recording
}

const historyHelp = `Reads the percentiles that the operator reports of the discovery of an ExtensionAPI again and
again, and plots them as they change. They are of its last 100 requests through kube-apiserver. On
a terminal it goes on until it is interrupted; in a pipe it prints one plot after a minute. What was
before is in the operator's metrics, which Prometheus keeps: the query is printed, too.`

func historyCommand(o *options) *cobra.Command {
	h := &history{options: o}
	command := &cobra.Command{
		Use:   "history EXTENSIONAPI",
		Short: "Plot the latencies of an ExtensionAPI over time",
		Long:  historyHelp,
		Example: "  kubectl extensionapi history wardle\n" +
			"  kubectl extensionapi history wardle --interval 10s --count 30 -o json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: o.completeExtensionAPI,
		RunE: func(command *cobra.Command, args []string) error {
			return h.run(command.Context(), args[0])
		},
	}
	h.output.add(command, outputText, outputJSON, outputYAML)
	command.Flags().DurationVar(&h.interval, "interval", 5*time.Second, "Time between two points, at least 1s")
	command.Flags().IntVar(&h.count, "count", 0, "Number of points; without end on a terminal and twelve otherwise if "+
		"not set")
	return command
}

func (h *history) run(ctx context.Context, name string) error {
	if h.interval < time.Second {
		return errors.New("--interval must be at least 1s: the operator probes less often")
	}
	cluster, err := h.connect()
	if err != nil {
		return err
	}
	live := isTerminal(h.Out) && h.output.value == outputText
	if h.count == 0 && !live {
		h.count = pointsInPipe
	}
	return h.repeat(ctx, repeated{
		interval: h.interval, count: h.count, live: live,
		measure: func(ctx context.Context) error { return h.read(ctx, cluster, name) },
		show:    func() error { return h.show(live) },
	})
}

func (h *history) read(ctx context.Context, cluster *connect.Cluster, name string) error {
	extensionAPI, err := read(ctx, cluster, name)
	if err == nil {
		h.recorded.add(extensionAPI, h.clock.Now())
	}
	return err
}

func (h *history) show(live bool) error {
	return h.output.write(h.Out, h.recorded.document(), func() error {
		page := &strings.Builder{}
		if live {
			page.WriteString(clearScreen)
		}
		h.recorded.plot(page, isTerminal(h.Out))
		fmt.Fprintf(page, metricsHint, h.recorded.name)
		_, err := io.WriteString(h.Out, page.String())
		return err
	})
}

// metricsHint is how to see more than the status has. kube-apiserver's proxy does not pass on the user's token, and the
// operator serves metrics only to those who may get them, so they cannot be read from here.
const metricsHint = `
The status has no more than that. Prometheus keeps the operator's metrics:
  histogram_quantile(0.99, sum by (group, version, le) (rate(
    extensionapi_discovery_duration_seconds_bucket{extensionapi="%s",view="kube-apiserver"}[5m])))
To permit an account to scrape them, bind it to ClusterRole extensionapi-operator:metrics-reader.
`
