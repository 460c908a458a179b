// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

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

// history is what is known of one key.
type history struct {
	samples ring
	// last is the last sample, without what it said, which can be large.
	last     Sample
	told     Content
	answered time.Duration
	// leftOut is in how many answers in a row a group-version had no resources.
	leftOut map[schema.GroupVersion]int
	// worded is since when the last failure has had its words.
	worded time.Time
	judgement
}

// add takes a sample of a request that began at that time.
func (h *history) add(sample Sample, at time.Time, limit time.Duration, policy Policy) {
	if sample.Err == nil {
		h.told, h.answered = sample.Content, sample.Latency
		h.noteLeftOut(sample.Listed, policy)
	}
	sample.Content = Content{}
	h.keepWords(&sample, at)
	h.last = sample
	h.samples.add(sample, at)
	h.judge(sample, at, limit, policy)
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

// rejudge judges the samples that are kept by another policy. A failure gets the words that are known of its kind,
// first of all those that have been reported.
func (h *history) rejudge(limit time.Duration, policy Policy) {
	known := append([]Sample{h.last}, h.failures...)
	h.judgement = judgement{}
	for at, kept := range h.samples.all() {
		sample := kept.sample(func(kind ProbeError) error { return wordsOf(kind, known) })
		h.judge(sample, at, limit, policy)
	}
}

// wordsOf returns the last of the failures of a kind, or says no more than the kind does.
func wordsOf(kind ProbeError, known []Sample) error {
	for _, sample := range slices.Backward(known) {
		if kindOf(sample) == kind {
			return sample.Err
		}
	}
	kind.Text = fmt.Sprintf("failed before (%s)", kind.Class)
	if kind.Status != 0 {
		kind.Text = fmt.Sprintf("answered %d %s", kind.Status, http.StatusText(kind.Status))
	}
	return &kind
}

func (h *history) record(policy Policy) Record {
	record := Record{
		Last: h.last, Told: h.told, Answered: h.answered, Standing: h.standing, Since: h.since, Near: h.isNear,
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
	for _, sample := range h.samples.kept {
		switch {
		case sample.failed():
		case sample.isWarm():
			warm = append(warm, sample.duration())
		default:
			cold = append(cold, sample.duration())
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
