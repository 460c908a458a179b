// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupDirs returns the directories of a cgroup of that name: one in cgroup v2, one for each hierarchy in v1.
func cgroupDirs(name string) ([]string, error) {
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return nil, err
	}
	return cgroupDirsIn(string(mounts), name), nil
}

func cgroupDirsIn(mounts, name string) []string {
	var dirs []string
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) > 2 && (fields[2] == "cgroup" || fields[2] == "cgroup2") {
			dirs = append(dirs, filepath.Join(fields[1], name))
		}
	}
	return dirs
}

func createCgroup(name string) error {
	dirs, err := cgroupDirs(name)
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		return errors.New("no cgroup file system is mounted; mount one at /sys/fs/cgroup")
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
	}
	return nil
}

// removeCgroup removes the cgroup and its descendants. Their processes must have exited.
func removeCgroup(ctx context.Context, name string) error {
	dirs, err := cgroupDirs(name)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := removeTree(ctx, dir); err != nil {
			return fmt.Errorf("remove cgroup: %w", err)
		}
	}
	return nil
}

func removeTree(ctx context.Context, root string) error {
	var dirs []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	slices.Reverse(dirs) // children first
	for _, dir := range dirs {
		// The kernel keeps a cgroup busy for a moment after its last process has exited.
		if err := poll(ctx, 5*time.Second, func() error { return unix.Rmdir(dir) }); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}
