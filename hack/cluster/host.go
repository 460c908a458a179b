// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

const otherWay = "or use kind where there is a container engine: make demo CLUSTER=kind"

// hostPackages are the Debian packages of the programs that the node uses from the machine.
var hostPackages = map[string]string{
	"ip":   "iproute2",
	"nft":  "nftables", // kube-proxy
	"runc": "runc",     // Debian's, as one built from its Go module lacks seccomp
}

// requireRoot returns an error unless this process may start and stop a node. It adds the directories of root's
// programs to PATH.
func requireRoot() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("a node runs on Linux only; %s", otherWay)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("a node needs root: run this as root (sudo make demo), %s", otherWay)
	}
	// A login shell's PATH may lack the directories in which these programs are.
	return os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
}

// requirePackages checks that the machine has the programs that a node uses from it. On Debian it installs them.
func requirePackages(ctx context.Context) error {
	missing := missingPackages()
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("a node needs %s (Debian's names): install them, %s", strings.Join(missing, ", "), otherWay)
	}
	progress("installing %s with apt-get", strings.Join(missing, ", "))
	if err := aptGet(ctx, "update"); err != nil {
		return err
	}
	return aptGet(ctx, append([]string{"install", "--no-install-recommends"}, missing...)...)
}

func missingPackages() []string {
	var missing []string
	for program, pkg := range hostPackages {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, pkg)
		}
	}
	slices.Sort(missing)
	return missing
}

func aptGet(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, "apt-get", append([]string{"--yes", "--quiet"}, args...)...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w", args[0], err)
	}
	return nil
}
