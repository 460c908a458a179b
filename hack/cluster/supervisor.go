// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// supervisor starts the components as children of the node's first process, and reaps every process that exits.
type supervisor struct {
	cluster cluster
	mu      sync.Mutex
	running map[int]component // by pid
	// stopped has a channel for each process that exits on demand, by pid, which is closed when it has exited.
	stopped map[int]chan struct{}
}

// supervise starts all components and returns when one of them exits: a node runs completely or not at all. Tests may
// kill kube-controller-manager and etcd, which are started again, and stop and start kube-apiservers.
func (c cluster) supervise(ctx context.Context, r record) error {
	s := &supervisor{cluster: c, running: map[int]component{}, stopped: map[int]chan struct{}{}}
	if err := s.start(ctx, os.O_TRUNC, base(r)...); err != nil {
		return err
	}
	failed := make(chan error, 4)
	go func() { failed <- s.reap(ctx) }()
	go func() { failed <- s.serveOrders(ctx, r) }()
	if r.isBalanced() {
		go func() { failed <- c.balance(ctx, r) }()
	}
	go func() {
		err := c.waitForAPI(ctx, r)
		if err == nil {
			err = s.start(ctx, os.O_TRUNC, clients(c, r.Network)...)
		}
		if err != nil {
			failed <- err
		}
	}()
	return <-failed
}

// start starts components, whose logs are truncated with os.O_TRUNC, and continued with os.O_APPEND.
func (s *supervisor) start(ctx context.Context, mode int, components ...component) error {
	s.mu.Lock() // so that a component that exits immediately is known when it is reaped
	defer s.mu.Unlock()
	for _, component := range components {
		pid, err := component.start(ctx, s.cluster.log(component.name), mode)
		if err != nil {
			return err
		}
		s.running[pid] = component
	}
	return nil
}

func (c component) start(ctx context.Context, logFile string, mode int) (pid int, err error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|mode, 0o600)
	if err != nil {
		return 0, err
	}
	command := exec.CommandContext(ctx, c.path(), c.args...)
	command.Stdout, command.Stderr = log, log
	start := command.Start
	if c.group != 0 {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Gid: c.group, NoSetGroups: true}}
		start = func() error { return withHostname(c.name, command.Start) }
	}
	if err := errors.Join(start(), log.Close()); err != nil {
		return 0, err
	}
	return command.Process.Pid, nil
}

// reap returns when a component has exited that may not and is not started again, with the end of its log in the error.
func (s *supervisor) reap(ctx context.Context) error {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for the node's processes: %w", err)
		}
		ended, matters := s.remove(pid)
		switch {
		case !matters:
		case startsAgain(ended, status):
			if err := s.start(ctx, os.O_APPEND, ended); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s exited (%s)\n%s", ended.name, describe(status), s.cluster.logTail(ended.name))
		}
	}
}

// remove removes a process that has exited. It matters if it was a component that was not stopped on demand.
func (s *supervisor) remove(pid int) (ended component, matters bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, matters = s.running[pid]
	delete(s.running, pid)
	if stopped, found := s.stopped[pid]; found {
		close(stopped)
		delete(s.stopped, pid)
		matters = false
	}
	return ended, matters
}

// find returns the process of a component that runs.
func (s *supervisor) find(name string) (pid int, found component) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(name)
}

func (s *supervisor) findLocked(name string) (pid int, found component) {
	for pid, component := range s.running {
		if component.name == name {
			return pid, component
		}
	}
	return 0, component{}
}

// stop makes a component exit with a signal, and returns when it has exited.
func (s *supervisor) stop(ctx context.Context, name string, signal unix.Signal) error {
	pid, stopped := s.expectExit(name)
	if pid == 0 {
		return nil
	}
	if err := unix.Kill(pid, signal); err != nil {
		return err
	}
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s does not exit: %w", name, ctx.Err())
	}
}

// expectExit returns the process of a component, 0 if it does not run, and what is closed when it has exited.
func (s *supervisor) expectExit(name string) (pid int, stopped chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pid, _ = s.findLocked(name); pid == 0 {
		return 0, nil
	}
	if s.stopped[pid] == nil {
		s.stopped[pid] = make(chan struct{})
	}
	return pid, s.stopped[pid]
}

// startsAgain reports whether a component has been killed by a test. One that exits by itself is broken.
func startsAgain(c component, status unix.WaitStatus) bool {
	return (c.name == controllerManager || c.name == etcd) && status.Signaled()
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
