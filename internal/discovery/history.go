// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"slices"
	"time"
)

// historySize is how many samples of a key are kept: 50 minutes at the default interval.
const historySize = 100

// Standing is what several samples in a row say, so that one alone turns nothing.
type Standing int

const (
	// Unsettled means that there were neither enough good samples in a row nor enough bad ones yet.
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
	// Told is what the last answer said, whatever failed since.
	Told Content
	// Worst is the worst of the samples in a row that made the standing Bad; the zero value with any other.
	Worst    Sample
	Standing Standing
	// Since is when the standing began.
	Since time.Time
	// Near tells that the last answers were near the limit.
	Near bool
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
	told     Content
	standing Standing
	since    time.Time

	// bad and good are how many samples in a row were so, near and far how many answers were near the limit or not.
	bad, good, near, far int
	isNear               bool
	// failures are the last bad samples that counted, since the standing was Good; counted is when the last of them came.
	failures []Sample
	counted  time.Time
}

// add takes the sample of a request that began at that time.
func (h *history) add(sample Sample, at time.Time, limit time.Duration, policy Policy) {
	h.keep(sample)
	if h.since.IsZero() {
		h.since = at
	}
	if sample.isBad(limit) {
		h.addBad(sample, at, policy)
		return
	}
	h.told = sample.Content
	h.bad, h.good = 0, h.good+1
	if h.good >= policy.SuccessThreshold {
		h.turn(Good, at)
		h.failures = nil
	}
	h.addNear(sample.Latency >= policy.Warning, policy)
}

func (h *history) keep(sample Sample) {
	if len(h.samples) < historySize {
		h.samples = append(h.samples, sample)
	} else {
		h.samples[h.next] = sample
	}
	h.next = (h.next + 1) % historySize
}

// addBad counts a sample unless the last one that counted was only just before: a short disturbance must not count
// several times where somebody hurries.
func (h *history) addBad(sample Sample, at time.Time, policy Policy) {
	h.good = 0
	if h.bad > 0 && at.Sub(h.counted) < policy.Interval/2 {
		h.failures[len(h.failures)-1] = sample
		return
	}
	h.bad, h.counted = h.bad+1, at
	h.failures = append(h.failures, sample)
	h.failures = h.failures[max(0, len(h.failures)-policy.FailureThreshold):]
	if h.bad >= policy.FailureThreshold {
		h.turn(Bad, at)
	}
}

func (h *history) addNear(near bool, policy Policy) {
	if near {
		h.near, h.far = h.near+1, 0
	} else {
		h.near, h.far = 0, h.far+1
	}
	switch {
	case h.near >= policy.FailureThreshold:
		h.isNear = true
	case h.far >= policy.SuccessThreshold:
		h.isNear = false
	}
}

func (h *history) turn(standing Standing, at time.Time) {
	if h.standing != standing {
		h.standing, h.since = standing, at
	}
}

func (h *history) last() Sample {
	if len(h.samples) == 0 {
		return Sample{}
	}
	return h.samples[(h.next+historySize-1)%historySize]
}

func (h *history) record() Record {
	record := Record{Last: h.last(), Told: h.told, Standing: h.standing, Since: h.since, Near: h.isNear}
	if h.standing == Bad {
		record.Worst = slices.MaxFunc(h.failures, CompareBadness)
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
