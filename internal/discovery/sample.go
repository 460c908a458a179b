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
	// Latency is the time from sending the request to the end of the response, or to the failure.
	Latency time.Duration
	// Timing splits the latency into its parts.
	Timing Timing
	Content
	// Err is why the request failed, nil on success.
	Err error
}

// Content is the content of a response.
type Content struct {
	// Resources is the number of resources in the discovery of a group-version, subresources included. Of Deletable
	// ones the objects can be deleted; those of MoreThanGet can be listed, created or the like.
	Resources, Deletable, MoreThanGet int
	// Listed is the number of resources of each group-version of the target in aggregated discovery, 0 for one that is
	// left out; nil if the server has no aggregated discovery, and kube-apiserver requests each group-version instead. In
	// the discovery of a group-version, it contains that one only if it has no resources.
	Listed map[schema.GroupVersion]int
}

// sameResources reports whether both contain as many resources of each kind.
func (c Content) sameResources(other Content) bool {
	return c.Resources == other.Resources && c.Deletable == other.Deletable && c.MoreThanGet == other.MoreThanGet
}

// isBad reports whether the request failed or took too long.
func (s Sample) isBad(limit time.Duration) bool { return s.Err != nil || s.Latency > limit }

// CompareSeverity orders fast responses before slow ones, and both before failures. Failures are ordered by kind, not
// by latency, so that the order is stable.
func CompareSeverity(a, b Sample) int {
	if a.Err == nil && b.Err == nil {
		return cmp.Compare(a.Latency, b.Latency)
	}
	return compareKinds(a, b)
}

// compareKinds orders successes before failures, and failures by kind.
func compareKinds(a, b Sample) int {
	kind, other := kindOf(a), kindOf(b)
	return cmp.Or(cmp.Compare(kind.Class, other.Class), cmp.Compare(kind.Status, other.Status))
}

// kindOf returns a failure without its text, the zero value for a success.
func kindOf(sample Sample) ProbeError {
	failure, _ := errors.AsType[*ProbeError](sample.Err)
	if failure == nil {
		return ProbeError{}
	}
	return ProbeError{Class: failure.Class, Status: failure.Status}
}

// moved reports whether a sample differs from an earlier one so much that it should be reported: only one of them
// failed, the latency crossed the limit or that of kube-apiserver, or it changed by more than a tenth of the limit.
func (s Sample) moved(before Sample, limit time.Duration) bool {
	if errorText(before.Err) != errorText(s.Err) {
		return true
	}
	// The latency of a failed request means little: it is that of a refused connection, or the timeout.
	if s.Err != nil {
		return false
	}
	return LatencyChanged(before.Latency, s.Latency, limit)
}

// LatencyChanged reports whether a latency crossed the limit or that of kube-apiserver, or changed by more than a tenth
// of the limit.
func LatencyChanged(before, after, limit time.Duration) bool {
	return crosses(before, after, limit) || crosses(before, after, AggregatorTimeout) ||
		(after-before).Abs() > max(limit/10, noise)
}

func crosses(before, after, limit time.Duration) bool { return (before > limit) != (after > limit) }

// noise is what a busy machine adds to any latency; even with a small limit it must not count as a change.
const noise = 50 * time.Millisecond

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
