// SPDX-License-Identifier: Apache-2.0

// Package suite reports how a test binary was started.
package suite

import "flag"

// IsWhole reports whether all tests of the binary run. Checks of what all tests together must cover are possible only
// then.
func IsWhole() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if chosen := flag.Lookup(name); chosen == nil || chosen.Value.String() != "" {
			return false
		}
	}
	return true
}
