// SPDX-License-Identifier: Apache-2.0

package diagnosis

import "regexp"

// maxReason is how long the reason of an Event may be; that of a condition may be longer.
const maxReason = 128

// reasonPattern is that of metav1.Condition.
var reasonPattern = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

// isReason reports whether a reason of another component can be used as a condition's.
func isReason(reason string) bool {
	return len(reason) <= maxReason && reasonPattern.MatchString(reason)
}
