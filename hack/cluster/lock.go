// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lock waits up to an hour until no other command has locked the directory, and locks it until unlock or the end of
// this process.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	try := func() error { return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
	if try() != nil {
		progress("waiting for another command that uses %s", dir)
		if err := poll(ctx, time.Hour, try); err != nil {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
	}
	return func() { _ = file.Close() }, nil
}
