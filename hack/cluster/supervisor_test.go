// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyAKilledControllerManagerStartsAgain(t *testing.T) {
	killed, exited := unix.WaitStatus(unix.SIGKILL), unix.WaitStatus(1<<8)
	for _, test := range []struct {
		name   string
		status unix.WaitStatus
		want   bool
	}{
		{controllerManager, killed, true}, {controllerManager, exited, false}, {"kubelet", killed, false},
	} {
		if got := startsAgain(component{name: test.name}, test.status); got != test.want {
			t.Errorf("%s, %s: %t", test.name, describe(test.status), got)
		}
	}
}
