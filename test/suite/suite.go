// SPDX-License-Identifier: Apache-2.0

// Package suite tells how a test program was started.
package suite

import "flag"

// IsWhole tells whether every test of the program is to run. What all of them together must have done can be checked
// only then.
func IsWhole() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if chosen := flag.Lookup(name); chosen == nil || chosen.Value.String() != "" {
			return false
		}
	}
	return true
}
