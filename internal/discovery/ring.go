// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"iter"
	"slices"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// ring is a ring buffer of the last samples of a key.
type ring struct {
	// kept grows up to limits.Samples; from then on a new sample replaces the oldest one, at index next.
	kept []compactSample
	next int
	// at is when the request of the last sample began.
	at time.Time
}

// add stores the sample of a request that began at that time.
func (r *ring) add(sample Sample, at time.Time) {
	kept := compact(sample)
	if len(r.kept) > 0 {
		kept.after = uint32Of(at.UnixMilli() - r.at.UnixMilli())
	}
	r.at = at
	if len(r.kept) < limits.Samples {
		r.kept = append(r.kept, kept)
		return
	}
	r.kept[r.next] = kept
	r.next = (r.next + 1) % limits.Samples
}

// all returns the samples, the oldest first, and when the request of each began.
func (r *ring) all() iter.Seq2[time.Time, compactSample] {
	return func(yield func(time.Time, compactSample) bool) {
		samples := slices.Concat(r.kept[r.next:], r.kept[:r.next])
		if len(samples) == 0 {
			return
		}
		at := r.at
		for _, sample := range samples[1:] {
			at = at.Add(-sample.pause())
		}
		samples[0].after = 0 // the sample before it is no longer stored
		for _, sample := range samples {
			at = at.Add(sample.pause())
			if !yield(at, sample) {
				return
			}
		}
	}
}
