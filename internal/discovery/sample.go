// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Sample is the outcome of one request.
type Sample struct {
	// Latency is the time from sending the request to the end of the answer, or to the failure.
	Latency time.Duration
	// Timing tells where it went.
	Timing Timing
	Content
	// Err says why the request failed.
	Err error
}

// Content is what an answer says.
type Content struct {
	// Resources is the number of resources in the discovery of a group-version.
	Resources int
	// Listed is the number of resources of each group-version of the target in aggregated discovery, 0 for one that is
	// left out; nil where the server has no such discovery, and kube-apiserver asks for each group-version instead.
	Listed map[schema.GroupVersion]int
}

// isBad tells whether the request failed or took too long.
func (s Sample) isBad(limit time.Duration) bool { return s.Err != nil || s.Latency > limit }

// CompareBadness orders quick answers before slow ones, and answers before failures. Of failures their kind decides,
// not how long they took, so that the order does not change each time.
func CompareBadness(a, b Sample) int {
	if a.Err == nil && b.Err == nil {
		return cmp.Compare(a.Latency, b.Latency)
	}
	return compareKinds(a, b)
}

// compareKinds orders answers before failures, and those by their kind.
func compareKinds(a, b Sample) int {
	kind, other := kindOf(a), kindOf(b)
	return cmp.Or(cmp.Compare(kind.Class, other.Class), cmp.Compare(kind.Status, other.Status))
}

// kindOf returns a failure without its words, the zero value for an answer.
func kindOf(sample Sample) ProbeError {
	failure, _ := errors.AsType[*ProbeError](sample.Err)
	if failure == nil {
		return ProbeError{}
	}
	return ProbeError{Class: failure.Class, Status: failure.Status}
}

// moved tells whether a sample differs from an earlier one so much that it should be told: it failed or succeeded when
// the other did not, crossed the limit or that of kube-apiserver, or moved by more than a tenth of the limit.
func (s Sample) moved(before Sample, limit time.Duration) bool {
	if errorText(before.Err) != errorText(s.Err) {
		return true
	}
	// How long a failed request took says little: a refused connection, or the time-out.
	if s.Err != nil {
		return false
	}
	return LatencyMoved(before.Latency, s.Latency, limit)
}

// LatencyMoved tells whether a latency crossed the limit or that of kube-apiserver, or moved by more than a tenth of
// the limit.
func LatencyMoved(before, after, limit time.Duration) bool {
	return crosses(before, after, limit) || crosses(before, after, AggregatorTimeout) ||
		(after-before).Abs() > max(limit/10, noise)
}

func crosses(before, after, limit time.Duration) bool { return (before > limit) != (after > limit) }

// noise is what a busy machine adds to any latency; a small limit must not make it news.
const noise = 50 * time.Millisecond

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
