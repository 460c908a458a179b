// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"slices"
	"time"
)

// historySize is how many samples of a key are kept: 50 minutes at the default interval.
const historySize = 100

// Policy is what samples are judged by.
type Policy struct {
	// Limit is the longest good latency.
	Limit time.Duration
	// FailureThreshold and SuccessThreshold are how many bad or good samples in a row turn a standing.
	FailureThreshold, SuccessThreshold int
}

// Standing is what several samples in a row say, so that one alone turns nothing.
type Standing int

const (
	// Unsettled means that there was no good sample yet, nor enough bad ones.
	Unsettled Standing = iota
	// Good means that the last samples were good, or not enough of them bad.
	Good
	// Bad means that the last samples failed or took longer than the limit, or not enough of them did not.
	Bad
)

// Record is what is known of one key.
type Record struct {
	// Last is the last sample.
	Last Sample
	// Worst is the worst of the samples in a row that made the standing Bad; the zero value with any other.
	Worst    Sample
	Standing Standing
	// P50, P99 and Max are of the last 100 answers, over connections that were there before where there are any.
	P50, P99, Max time.Duration
	// Samples is how many these are of.
	Samples int
}

// history keeps the last samples of one key.
type history struct {
	// samples is a ring; next is where the next one goes.
	samples  []Sample
	next     int
	bad      []Sample // in a row, the last few
	good     int      // in a row
	standing Standing
}

func (h *history) add(sample Sample, policy Policy) {
	if len(h.samples) < historySize {
		h.samples = append(h.samples, sample)
	} else {
		h.samples[h.next] = sample
	}
	h.next = (h.next + 1) % historySize
	if sample.isBad(policy.Limit) {
		h.good = 0
		h.bad = append(h.bad, sample)
		h.bad = h.bad[max(0, len(h.bad)-policy.FailureThreshold):]
		if len(h.bad) >= policy.FailureThreshold {
			h.standing = Bad
		}
		return
	}
	h.good++
	if h.standing != Bad || h.good >= policy.SuccessThreshold {
		h.standing, h.bad = Good, nil
	}
}

func (h *history) record() Record {
	record := Record{Standing: h.standing}
	if len(h.samples) > 0 {
		record.Last = h.samples[(h.next+historySize-1)%historySize]
	}
	if h.standing == Bad {
		record.Worst = slices.MaxFunc(h.bad, CompareBadness)
	}
	latencies := h.latencies()
	if record.Samples = len(latencies); record.Samples > 0 {
		record.P50, record.P99 = percentile(latencies, 50), percentile(latencies, 99)
		record.Max = latencies[len(latencies)-1]
	}
	return record
}

// latencies returns those of the answers, sorted. Those that had to connect first are left out where there are others.
func (h *history) latencies() []time.Duration {
	var warm, cold []time.Duration
	for _, sample := range h.samples {
		switch {
		case sample.Err != nil:
		case sample.Timing.Warm:
			warm = append(warm, sample.Latency)
		default:
			cold = append(cold, sample.Latency)
		}
	}
	if len(warm) == 0 {
		warm = cold
	}
	slices.Sort(warm)
	return warm
}

// percentile is by the nearest rank.
func percentile(sorted []time.Duration, percent int) time.Duration {
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}
