// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyWhatTestsMayKillStartsAgain(t *testing.T) {
	killed, exited := unix.WaitStatus(unix.SIGKILL), unix.WaitStatus(1<<8)
	for _, test := range []struct {
		name   string
		status unix.WaitStatus
		want   bool
	}{
		{controllerManager, killed, true},
		{controllerManager, exited, false},
		{etcd, killed, true},
		{etcd, exited, false},
		{"kubelet", killed, false},
	} {
		if got := startsAgain(component{name: test.name}, test.status); got != test.want {
			t.Errorf("%s, %s: %t", test.name, describe(test.status), got)
		}
	}
}

func TestOnlyAComponentThatWasStoppedMayExit(t *testing.T) {
	s := &supervisor{
		running: map[int]component{1: {name: "kube-apiserver"}, 2: {name: "kube-apiserver-2"}},
		stopped: map[int]chan struct{}{},
	}
	pid, stopped := s.expectExit("kube-apiserver-2")
	if pid != 2 {
		t.Fatalf("got process %d", pid)
	}
	if ended, matters := s.remove(2); matters || ended.name != "kube-apiserver-2" {
		t.Errorf("the exit of %q matters: %t", ended.name, matters)
	}
	select {
	case <-stopped:
	default:
		t.Error("the exit is not reported")
	}
	if _, matters := s.remove(1); !matters {
		t.Error("an exit that nothing had requested does not matter")
	}
	if pid, _ := s.expectExit("kube-apiserver-2"); pid != 0 {
		t.Errorf("after it has exited, got process %d", pid)
	}
	if _, matters := s.remove(3); matters {
		t.Error("the exit of a process that is not a component matters")
	}
}
