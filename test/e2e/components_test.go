// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Components of the node that it starts again when they are killed (hack/cluster/supervisor.go), as the kernel names
// them: their first 15 characters.
const (
	controllerManager = "kube-controller"
	etcdOfNode        = "etcd"
)

// killComponent kills a component of the node, and returns when it has been started again.
func killComponent(t *testing.T, name string) {
	t.Helper()
	before := processOfComponent(t, name)
	if before == 0 {
		t.Fatalf("%s does not run", name)
	}
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func(context.Context) error {
		if now := processOfComponent(t, name); now == 0 || now == before {
			return fmt.Errorf("%s has not been started again", name)
		}
		return nil
	})
}

// processOfComponent returns the process ID of a component of the node, 0 if there is none.
func processOfComponent(t *testing.T, name string) int {
	t.Helper()
	statuses, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range statuses {
		status, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(status), "Name:\t"+name+"\n") ||
			!strings.Contains(string(status), "\nPPid:\t"+nodeProcess(t)+"\n") {
			continue // another process, or one that has ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	return 0
}
