// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// supervisor starts the components as children of the node's first process, and reaps every process that exits.
type supervisor struct {
	mu      sync.Mutex
	running map[int]component // by pid
}

// supervise starts all components and returns when one of them exits: a node runs completely or not at all. Tests may
// kill kube-controller-manager, which is started again.
func (c cluster) supervise(ctx context.Context, n network) error {
	s := supervisor{running: map[int]component{}}
	if err := s.start(ctx, base(n), c, os.O_TRUNC); err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- s.reap(ctx, c) }()
	go func() {
		err := c.waitForAPI(ctx, n)
		if err == nil {
			err = s.start(ctx, clients(c, n), c, os.O_TRUNC)
		}
		if err != nil {
			failed <- err
		}
	}()
	return <-failed
}

// start starts components, whose logs are truncated with os.O_TRUNC, and continued with os.O_APPEND.
func (s *supervisor) start(ctx context.Context, components []component, c cluster, mode int) error {
	s.mu.Lock() // so that a component that exits immediately is known when it is reaped
	defer s.mu.Unlock()
	for _, component := range components {
		log, err := os.OpenFile(c.log(component.name), os.O_CREATE|os.O_WRONLY|mode, 0o600)
		if err != nil {
			return err
		}
		command := exec.CommandContext(ctx, filepath.Join(nodeBinDir, component.name), component.args...)
		command.Stdout, command.Stderr = log, log
		if err := errors.Join(command.Start(), log.Close()); err != nil {
			return err
		}
		s.running[command.Process.Pid] = component
	}
	return nil
}

// reap returns when a component has exited that is not started again, with the end of its log in the error.
func (s *supervisor) reap(ctx context.Context, c cluster) error {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for the node's processes: %w", err)
		}
		s.mu.Lock()
		ended, ok := s.running[pid]
		delete(s.running, pid)
		s.mu.Unlock()
		switch {
		case !ok:
		case startsAgain(ended, status):
			if err := s.start(ctx, []component{ended}, c, os.O_APPEND); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s exited (%s)\n%s", ended.name, describe(status), c.logTail(ended.name))
		}
	}
}

// startsAgain reports whether a component has been killed by a test. One that exits by itself is broken.
func startsAgain(c component, status unix.WaitStatus) bool {
	return c.name == controllerManager && status.Signaled()
}

func describe(status unix.WaitStatus) string {
	if status.Signaled() {
		return "killed by " + unix.SignalName(status.Signal())
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}

// logTail returns the last lines of a component's log under a heading with the file in the cluster's directory.
func (c cluster) logTail(component string) string {
	content, err := os.ReadFile(c.log(component))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("the end of logs/%s.log:\n%s", component, lastLines(string(content), 20))
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
