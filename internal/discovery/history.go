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

// Standing is the result of several consecutive samples, so that a single one changes nothing.
type Standing int

const (
	// Unsettled means that there have been neither enough good nor enough bad samples in a row yet.
	Unsettled Standing = iota
	// Healthy means that the last samples were good, or too few of them were bad.
	Healthy
	// Unhealthy means that the last samples failed or took longer than the limit, or too few of them were good.
	Unhealthy
)

// Record is what is known of one key.
type Record struct {
	// Last is the last sample. Content is that of the last successful response and Latency its latency, even if later
	// requests failed.
	Last    Sample
	Content Content
	Latency time.Duration
	// Worst is the worst of the consecutive samples that made the standing Unhealthy; the zero value for any other
	// standing.
	Worst    Sample
	Standing Standing
	// Since is when the standing began.
	Since time.Time
	// Near is true if the latencies of the last responses were near the limit.
	Near bool
	// Omitted lists the group-versions that had no resources in any of the last responses.
	Omitted []schema.GroupVersion
	// P50, P99 and Max are computed from the successful ones of the last 100 samples, from those over reused connections
	// if there are any.
	P50, P99, Max time.Duration
	// Samples is the number of samples that these are computed from.
	Samples int
}

// Failure returns why requests fail, nil while they do not: a single failure is not reported.
func (r Record) Failure() error {
	switch r.Standing {
	case Unhealthy:
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
	// last is the last sample, without its content, which can be large.
	last     Sample
	content  Content
	answered time.Duration
	// leftOut is the number of consecutive responses in which a group-version had no resources.
	leftOut map[schema.GroupVersion]int
	// textSince is since when the last failure has had its message.
	textSince time.Time
	judgement
}

// add adds the sample of a request that began at that time.
func (h *history) add(sample Sample, at time.Time, limit time.Duration, policy Policy) {
	if sample.Err == nil {
		h.content, h.answered = sample.Content, sample.Latency
		h.noteLeftOut(sample.Listed, policy)
	}
	sample.Content = Content{}
	h.keepText(&sample, at)
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

// rejudge evaluates the stored samples by another policy. A failure gets the message of a known failure of its kind,
// preferably of a reported one.
func (h *history) rejudge(limit time.Duration, policy Policy) {
	known := append([]Sample{h.last}, h.failures...)
	h.judgement = judgement{}
	for at, kept := range h.samples.all() {
		sample := kept.sample(func(kind ProbeError) error { return errorOf(kind, known) })
		h.judge(sample, at, limit, policy)
	}
}

// errorOf returns the last failure of a kind, or an error that contains no more than the kind.
func errorOf(kind ProbeError, known []Sample) error {
	for _, sample := range slices.Backward(known) {
		if kindOf(sample) == kind {
			return sample.Err
		}
	}
	kind.Text = fmt.Sprintf("failed earlier (%s)", kind.Class)
	if kind.Status != 0 {
		kind.Text = fmt.Sprintf("answered %d %s", kind.Status, http.StatusText(kind.Status))
	}
	return &kind
}

func (h *history) record(policy Policy) Record {
	record := Record{
		Last: h.last, Content: h.content, Latency: h.answered, Standing: h.standing, Since: h.since, Near: h.isNear,
	}
	if h.standing == Unhealthy {
		record.Worst = h.worst()
	}
	for groupVersion, answers := range h.leftOut {
		if answers >= policy.FailureThreshold {
			record.Omitted = append(record.Omitted, groupVersion)
		}
	}
	slices.SortFunc(record.Omitted, func(a, b schema.GroupVersion) int { return cmp.Compare(a.String(), b.String()) })
	latencies := h.latencies()
	if record.Samples = len(latencies); record.Samples > 0 {
		record.P50, record.P99 = Percentile(latencies, 50), Percentile(latencies, 99)
		record.Max = latencies[len(latencies)-1]
	}
	return record
}

// latencies returns the sorted latencies of successful responses. Those over new connections are omitted if there are
// others.
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

// Percentile returns the percentile of ordered latencies by the nearest-rank method.
func Percentile(sorted []time.Duration, percent int) time.Duration {
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}
