// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
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
	// Last is the last sample, Told what the last answer said, and Answered how long it took, whatever failed since.
	Last     Sample
	Told     Content
	Answered time.Duration
	// Worst is the worst of the samples in a row that made the standing Bad; the zero value with any other.
	Worst    Sample
	Standing Standing
	// Since is when the standing began.
	Since time.Time
	// Near tells that the last answers were near the limit.
	Near bool
	// LeftOut are the group-versions without resources in each of the last answers that listed any.
	LeftOut []schema.GroupVersion
	// P50, P99 and Max are of the last 100 answers, over connections that were there before where there are any.
	P50, P99, Max time.Duration
	// Samples is how many these are of.
	Samples int
}

// Failure is why requests fail, nil while they do not: one alone is no reason to tell of it.
func (r Record) Failure() error {
	switch r.Standing {
	case Bad:
		return r.Worst.Err
	case Unsettled:
		return r.Last.Err
	default:
		return nil
	}
}

// history keeps the last samples of one key.
type history struct {
	// samples is a ring; next is where the next one goes.
	samples  []timedSample
	next     int
	told     Content
	answered time.Duration
	// leftOut is in how many answers in a row a group-version had no resources.
	leftOut map[schema.GroupVersion]int
	judgement
}

// timedSample is a sample without what it said, of a request that began at that time.
type timedSample struct {
	Sample
	at time.Time
}

func (h *history) add(sample Sample, at time.Time, limit time.Duration, policy Policy) {
	if sample.Err == nil {
		h.told, h.answered = sample.Content, sample.Latency
		h.noteLeftOut(sample.Listed, policy)
	}
	// What a server answers can be large.
	sample.Content = Content{}
	h.keep(timedSample{sample, at})
	h.judge(sample, at, limit, policy)
}

func (h *history) keep(sample timedSample) {
	if len(h.samples) < historySize {
		h.samples = append(h.samples, sample)
	} else {
		h.samples[h.next] = sample
	}
	h.next = (h.next + 1) % historySize
}

func (h *history) noteLeftOut(listed map[schema.GroupVersion]int, policy Policy) {
	leftOut := map[schema.GroupVersion]int{}
	for groupVersion, resources := range listed {
		if resources == 0 {
			leftOut[groupVersion] = min(h.leftOut[groupVersion]+1, policy.FailureThreshold)
		}
	}
	h.leftOut = leftOut
}

// rejudge judges the samples that are kept by another policy.
func (h *history) rejudge(limit time.Duration, policy Policy) {
	h.judgement = judgement{}
	for i := range h.samples {
		sample := h.samples[(h.next+i)%len(h.samples)]
		h.judge(sample.Sample, sample.at, limit, policy)
	}
}

func (h *history) last() timedSample {
	if len(h.samples) == 0 {
		return timedSample{}
	}
	return h.samples[(h.next+historySize-1)%historySize]
}

func (h *history) record(policy Policy) Record {
	record := Record{
		Last: h.last().Sample, Told: h.told, Answered: h.answered, Standing: h.standing, Since: h.since, Near: h.isNear,
	}
	if h.standing == Bad {
		record.Worst = h.worst()
	}
	for groupVersion, answers := range h.leftOut {
		if answers >= policy.FailureThreshold {
			record.LeftOut = append(record.LeftOut, groupVersion)
		}
	}
	slices.SortFunc(record.LeftOut, func(a, b schema.GroupVersion) int { return cmp.Compare(a.String(), b.String()) })
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
