// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

func TestAddressesAreSkippedAfterConsecutiveTimeouts(t *testing.T) {
	timeout := Sample{Latency: AggregatorTimeout, Err: errors.New("no complete answer")}
	refused, answered := Sample{Err: errors.New("refused")}, Sample{Latency: AggregatorTimeout}
	for name, test := range map[string]struct {
		last Sample
		want bool
	}{
		"one more":                     {timeout, true},
		"then an answer, however slow": {answered, false},
		"then a refusal":               {refused, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(newGate(nil))
			key, other := ThroughKubeAPIServer("a", groupVersion), ThroughKubeAPIServer("b", groupVersion)
			for _, sample := range append(slices.Repeat([]Sample{timeout}, limits.TimeoutsInARow-1), test.last) {
				c.note(key, sample)
			}
			if got := c.hasHung(key); got != test.want || c.hasHung(other) {
				t.Errorf("hung: %t, want %t; other address hung: %t", got, test.want, c.hasHung(other))
			}
			c.add(t.Context(), key, func() Sample { return Sample{Latency: time.Millisecond} })
			if probed := c.wait()[key].Latency == time.Millisecond; probed == test.want {
				t.Errorf("probed: %t", probed)
			}
		})
	}
}
