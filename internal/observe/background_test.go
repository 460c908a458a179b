// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"slices"
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
)

func TestAggregatedDiscoveryNamesTheKubeAPIServersThatDisagree(t *testing.T) {
	report := func(address string, stale, empty bool) aggregation.Report {
		return aggregation.Report{KubeAPIServer: address, Stale: stale, Empty: empty, Settled: true}
	}
	fine, unsettled := report("a", false, false), report("c", false, false)
	unsettled.Settled = false
	for name, test := range map[string]struct {
		reports      []aggregation.Report
		looked       bool
		stale, empty []string
		settled      bool
	}{
		"nothing was looked at":  {nil, false, nil, nil, false},
		"there is no report":     {nil, true, nil, nil, true},
		"all agree":              {[]aggregation.Report{fine}, true, nil, nil, true},
		"one is stale":           {[]aggregation.Report{fine, report("b", true, false)}, true, []string{"b"}, nil, true},
		"one is empty":           {[]aggregation.Report{fine, report("b", false, true)}, true, nil, []string{"b"}, true},
		"stale, and empty by it": {[]aggregation.Report{report("a", true, true)}, true, []string{"a"}, nil, true},
		"one is not settled":     {[]aggregation.Report{fine, unsettled}, true, nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := aggregatedFrom(test.reports, test.looked)
			if !slices.Equal(got.Stale, test.stale) || !slices.Equal(got.Empty, test.empty) || got.Settled != test.settled {
				t.Errorf("got %+v", got)
			}
		})
	}
}
