// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

const (
	// serviceRange has room for maxSize Services.
	serviceRange = "10.0.0.0/20"
	// endpointAddress is behind every Service: addresses in EndpointSlices may not be loopback.
	endpointAddress = "192.0.2.1"
	maxSize         = 4000
)

// configureNetwork makes each address of a Service lead to this machine, instead of kube-proxy.
func configureNetwork(ctx context.Context) error {
	for _, command := range []string{
		"ip link set lo up",
		"ip address add " + endpointAddress + "/32 dev lo",
		"ip route add local " + serviceRange + " dev lo",
	} {
		arguments := strings.Fields(command)
		output, err := exec.CommandContext(ctx, arguments[0], arguments[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, output)
		}
	}
	return nil
}
