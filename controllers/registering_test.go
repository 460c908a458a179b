// SPDX-License-Identifier: Apache-2.0

package controllers

import "testing"

func TestAnExtensionAPIDoesNotGiveWayToItsOwnRegistration(t *testing.T) {
	var r registering
	expect := func(what, name string, want bool) {
		t.Helper()
		if got := r.others(name); got != want {
			t.Errorf("%s: others are registered beside %s: %t, want %t", what, name, got, want)
		}
	}
	expect("at first", "a", false)
	r.note("a", true)
	expect("a is registered", "a", false)
	expect("a is registered", "b", true)
	r.note("b", true)
	expect("both are registered", "a", true)
	r.note("a", false)
	r.note("b", false)
	expect("at last", "b", false)
}
