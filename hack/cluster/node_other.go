// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"context"
	"errors"
)

var errNotLinux = errors.New("a node runs on Linux only") // requireRoot has reported that with an alternative

func (cluster) startNode(context.Context, string, record) (process, error) {
	return process{}, errNotLinux
}

func runNode(context.Context, []string) error { return errNotLinux }

func withHostname(string, func() error) error { return errNotLinux }
