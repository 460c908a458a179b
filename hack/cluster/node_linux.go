// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const nodePath = nodeBinDir + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// connected is the line that the node's first process waits for.
const connected = "connected"

// startNode starts the node's first process in its own namespaces. Every process of the cluster is a descendant of it
// and every mount of the cluster is in them, so that the kernel removes all of them when it exits.
func (c cluster) startNode(ctx context.Context, bin string, r record) (process, error) {
	self, err := os.Executable()
	if err != nil {
		return process{}, err
	}
	log, err := os.Create(c.log(nodeCommand))
	if err != nil {
		return process{}, err
	}
	defer func() { _ = log.Close() }()

	node := exec.CommandContext(context.WithoutCancel(ctx), self, nodeCommand, c.name, c.dir, bin)
	node.Stderr = log
	node.Env = []string{"PATH=" + nodePath}
	node.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true, // Ctrl-C must not stop it
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET,
	}
	start, err := node.StdinPipe()
	if err != nil {
		return process{}, err
	}
	if err := node.Start(); err != nil {
		return process{}, err
	}
	first, err := identify(node.Process.Pid)
	if err != nil {
		return process{}, err
	}
	// It is recorded and connected before it continues. If up dies before that, the node reads the end of its input and
	// exits.
	r.Node = first
	if err := c.write(r); err != nil {
		return process{}, errors.Join(err, first.kill(ctx))
	}
	if err := r.Network.connectHost(ctx, c.dir, first.PID); err != nil {
		return process{}, errors.Join(err, first.kill(ctx))
	}
	_, err = fmt.Fprintln(start, connected)
	return first, err
}

// runNode is the node's first process: it prepares the namespaces it was started in, starts the components, and exits
// when one of them does.
func runNode(ctx context.Context, args []string) error {
	if len(args) != 3 || os.Getpid() != 1 {
		return errors.New("this command can only be started by up")
	}
	if line, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil || strings.TrimSpace(line) != connected {
		return fmt.Errorf("up exited before it had connected the node: %w", err)
	}
	c := cluster{name: args[0], dir: nodeDir}
	if err := mountNode(args[1], args[2]); err != nil {
		return err
	}
	r, err := c.read()
	if err != nil {
		return err
	}
	if err := r.Network.connectNode(ctx, r.addresses()); err != nil {
		return err
	}
	return c.supervise(ctx, r)
}

// mountNode gives the node its own /proc, /run and /var; everything else is shared with the machine. The cluster's
// directory and its programs are mounted below /run, whatever directory they are in.
func mountNode(dir, bin string) error {
	handles := map[string]string{nodeDir: dir, nodeBinDir: bin}
	for target, source := range handles {
		// An open directory stays accessible when a mount covers its path.
		handle, err := unix.Open(source, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
		defer func() { _ = unix.Close(handle) }()
		handles[target] = fmt.Sprintf("/proc/self/fd/%d", handle)
	}
	// Mounts made here do not propagate to the machine, but the kubelet's mounts propagate to the containers.
	mounts := []mount{
		{target: "/", flags: unix.MS_REC | unix.MS_PRIVATE},
		{target: "/", flags: unix.MS_REC | unix.MS_SHARED},
		{source: "tmpfs", target: "/run", fstype: "tmpfs"},
		{source: handles[nodeDir], target: nodeDir, flags: unix.MS_BIND},
		{source: handles[nodeBinDir], target: nodeBinDir, flags: unix.MS_BIND},
		{source: nodeDir + "/var", target: "/var", flags: unix.MS_BIND},
		{source: "proc", target: "/proc", fstype: "proc"},
	}
	for _, m := range mounts {
		if err := m.do(); err != nil {
			return err
		}
	}
	return shieldSysctls()
}

type mount struct {
	source, target, fstype string
	flags                  uintptr
}

func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o750); err != nil {
		return err
	}
	if err := unix.Mount(m.source, m.target, m.fstype, m.flags, ""); err != nil {
		return fmt.Errorf("mount %s at %s: %w", m.source, m.target, err)
	}
	return nil
}

// shieldSysctls mounts copies over the kernel settings that the kubelet changes and that apply to the whole machine.
func shieldSysctls() error {
	for _, name := range []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	} {
		setting := filepath.Join("/proc/sys", name)
		value, err := os.ReadFile(setting)
		if err != nil {
			return err
		}
		shield := filepath.Join("/run", strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(shield, value, 0o600); err != nil { //nolint:gosec // the path is constant
			return err
		}
		if err := unix.Mount(shield, setting, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount a copy over %s: %w", setting, err)
		}
	}
	return nil
}

// withHostname calls start in a thread with a host name of its own, which the processes that it starts inherit:
// kube-apiservers identify themselves by it.
func withHostname(name string, start func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, so that the thread ends with this goroutine
		err := unix.Unshare(unix.CLONE_NEWUTS)
		if err == nil {
			err = unix.Sethostname([]byte(name))
		}
		if err == nil {
			err = start()
		}
		result <- err
	}()
	return <-result
}
