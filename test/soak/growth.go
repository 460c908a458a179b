// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"fmt"
	"slices"
)

// Measure is what must not grow from one quiet moment to the next.
type Measure struct {
	Name string
	// Slack is how much it may grow nevertheless, and Share is the same as a share of the first values.
	Slack, Share float64
	// Values has one for each quiet moment.
	Values []float64
}

// Grown returns an error if the last third of the values is above the first one. It compares the largest of the first
// with the smallest of the last, so that a single value proves nothing.
func (m Measure) Grown() error {
	third := len(m.Values) / 3
	if third == 0 {
		return nil
	}
	before, after := slices.Max(m.Values[:third]), slices.Min(m.Values[len(m.Values)-third:])
	if allowed := before*(1+m.Share) + m.Slack; after > allowed {
		return fmt.Errorf("%s: from %.0f to %.0f, where %.0f would be allowed: %.0f", m.Name, before, after, allowed,
			m.Values)
	}
	return nil
}
