// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"testing"
)

func TestParseStat(t *testing.T) {
	for name, test := range map[string]struct {
		state, threads string
		ended          bool
	}{
		"running":                        {"R", "1", false},
		"ended":                          {"Z", "1", true},
		"ended but for other threads":    {"Z", "2", false},
		"ended and waited for meanwhile": {"X", "0", true},
	} {
		format := "42 (a name) with) %s 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 %s 0 987654 8 9"
		stat := fmt.Sprintf(format, test.state, test.threads)
		ended, tick, err := parseStat(stat)
		if ended != test.ended || tick != "987654" || err != nil {
			t.Errorf("%s: got ended %t, tick %q, error %v", name, ended, tick, err)
		}
	}
	if _, _, err := parseStat("42 (short) R"); err == nil {
		t.Error("no error for a line that is too short")
	}
}

func TestCgroupDirs(t *testing.T) {
	for name, test := range map[string]struct {
		mounts string
		want   []string
	}{
		"v1": {
			"proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw 0 0\n",
			[]string{"/sys/fs/cgroup/cpu/x", "/sys/fs/cgroup/memory/x"},
		},
		"v2":   {"cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", []string{"/sys/fs/cgroup/x"}},
		"none": {"proc /proc proc rw 0 0\n", nil},
	} {
		if got := cgroupDirsIn(test.mounts, "x"); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestNodeReady(t *testing.T) {
	for body, want := range map[string]bool{
		`{"status":{"conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"True"}]}}`: true,
		`{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`:                                           false,
		`{"status":{}}`: false,
		`no node`:       false,
	} {
		if got := nodeReady([]byte(body)); got != want {
			t.Errorf("%s: got %t", body, got)
		}
	}
}

func TestLastLines(t *testing.T) {
	for _, test := range []struct {
		text string
		want string
	}{
		{"", ""}, {"a", "a"}, {"a\nb\n", "a\nb"}, {"a\nb\nc\n", "b\nc"},
	} {
		if got := lastLines(test.text, 2); got != test.want {
			t.Errorf("%q: got %q", test.text, got)
		}
	}
}
