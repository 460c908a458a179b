// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

const (
	// keptSamples are those that percentiles are computed from, and trendWidth those that are plotted.
	keptSamples = 100
	trendWidth  = 20
)

// series are the last samples of a group-version, as seen from this machine.
type series struct {
	// latencies are those of the requests that succeeded, and trend has all, a negative one for a failure.
	latencies, trend []time.Duration
	last             discovery.Sample
}

func (s *series) add(sample discovery.Sample) {
	s.last = sample
	plotted := sample.Latency
	if sample.Err != nil {
		plotted = -1
	} else {
		s.latencies = lastOf(append(s.latencies, sample.Latency), keptSamples)
	}
	s.trend = lastOf(append(s.trend, plotted), trendWidth)
}

func lastOf(values []time.Duration, length int) []time.Duration {
	return slices.Clone(values[max(0, len(values)-length):])
}

// percentile is the nearest rank, 0 without a sample.
func (s *series) percentile(percent int) time.Duration {
	if len(s.latencies) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.latencies))
	return discovery.Percentile(sorted, percent)
}

var bars = []rune("▁▂▃▄▅▆▇█")

// failureMark stands for a failed request in a sparkline.
const failureMark = '×'

// sparkline plots values, the highest one as a full bar, and negative ones as failures.
func sparkline(values []time.Duration) string {
	highest := time.Nanosecond
	for _, value := range values {
		highest = max(highest, value)
	}
	plot := &strings.Builder{}
	for _, value := range values {
		if value < 0 {
			plot.WriteRune(failureMark)
			continue
		}
		plot.WriteRune(bars[int(value*time.Duration(len(bars)-1)/highest)])
	}
	return plot.String()
}
