// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"strings"
	"testing"
)

func TestOnlyWhatConditionsAndEventsAllowIsAReason(t *testing.T) {
	for reason, want := range map[string]bool{
		"FailedDiscoveryCheck": true, "ServiceNotFound": true, "A": true, "a_b,c:D": true,
		"": false, "failed check": false, "Failed:": false, "1st": false, "Failed\n": false, "Fäiled": false,
		strings.Repeat("A", maxReason): true, strings.Repeat("A", maxReason+1): false,
	} {
		if isReason(reason) != want {
			t.Errorf("%q: %v", reason, !want)
		}
	}
}
