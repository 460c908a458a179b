// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// signals is the command that sends a signal to a kube-apiserver.
type signals struct {
	command string
	signal  unix.Signal
}

func (s signals) run(_ context.Context, args []string) error {
	c, number, rest, err := parseNumber(flag.NewFlagSet(s.command, flag.ExitOnError), args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("unknown argument %q", rest[0])
	}
	r, err := c.running()
	if err != nil {
		return err
	}
	return r.give("Signal", Order{Number: number, Signal: s.signal})
}

// runStart starts a kube-apiserver, and returns when it is ready.
func runStart(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("start", flag.ExitOnError)
	minor := flags.String("kubernetes", "", "the minor version of Kubernetes, such as 1.35; default: the cluster's")
	c, number, own, err := parseNumber(flags, args)
	if err != nil {
		return err
	}
	r, err := c.running()
	if err != nil {
		return err
	}
	order := Order{Number: number, Flags: own}
	if *minor != "" {
		if order.Program, err = c.linkProgram(ctx, *minor); err != nil {
			return err
		}
	}
	if err := r.give("Start", order); err != nil {
		return err
	}
	return c.waitReady(ctx, r, r.milestoneOf(number))
}

// parseNumber reads the flag that names the cluster and those that are defined already, and the number of the
// kube-apiserver. It returns the arguments that follow.
func parseNumber(flags *flag.FlagSet, args []string) (c cluster, number int, rest []string, err error) {
	c, rest, err = parseNameAndRest(flags, args)
	if err != nil {
		return c, 0, nil, err
	}
	if len(rest) < 2 || rest[0] != kubeAPIServer {
		return c, 0, nil, fmt.Errorf("missing arguments: %s and its number", kubeAPIServer)
	}
	if number, err = strconv.Atoi(rest[1]); err != nil {
		return c, 0, nil, fmt.Errorf("which kube-apiserver: %w", err)
	}
	return c, number, rest[2:], nil
}
