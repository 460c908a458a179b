// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// process identifies a process uniquely: a pid can be reused, after a reboot or by a later process.
type process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // boot ID and clock tick of its start
}

func identify(pid int) (process, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return process{}, err
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	ended, tick, err := parseStat(string(stat))
	if err != nil {
		return process{}, err
	}
	if ended {
		return process{}, os.ErrProcessDone
	}
	return process{PID: pid, Start: strings.TrimSpace(string(boot)) + "/" + tick}, nil
}

// parseStat parses from /proc/PID/stat, whose second field may contain spaces and brackets, whether the process has
// exited and when it started. A zombie with other threads has not exited: in the last thread of the node's first
// process the kernel waits for all other processes to exit.
func parseStat(stat string) (ended bool, tick string, err error) {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) < 20 {
		return false, "", fmt.Errorf("cannot read process state from %q", stat)
	}
	state, threads := fields[0], fields[17]
	ended = state == "X" || state == "Z" && threads == "1"
	return ended, fields[19], nil
}

func (p process) alive() bool {
	now, err := identify(p.PID)
	return err == nil && now == p
}

// kill kills the process with SIGKILL, and waits until it has exited.
func (p process) kill(ctx context.Context) error {
	handle, err := os.FindProcess(p.PID) // from here on the handle identifies one process, even if the pid is reused
	if err != nil {
		return err
	}
	defer func() { _ = handle.Release() }()
	if !p.alive() {
		return nil
	}
	if err := handle.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("process %d: %w", p.PID, err)
	}
	return poll(ctx, 30*time.Second, func() error {
		if p.alive() {
			return fmt.Errorf("process %d does not exit", p.PID)
		}
		return nil
	})
}

// poll calls try every 50 ms until it succeeds, and returns its last error after the timeout.
func poll(ctx context.Context, timeout time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
