// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is USER_HZ, the unit of CPU times in /proc, which is the same on every architecture of Linux that Go
// supports.
const ticksPerSecond = 100

// process is a program that is measured from outside.
type process int

// childNamed returns the child of this program with a name.
func childNamed(name string) (int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		pid, command, fields := readStat(file)
		if command == name && len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("no %s is running", name)
}

// readStat returns the fields after the name of the program (man 5 proc_pid_stat), none when the process has ended.
func readStat(file string) (pid int, command string, fields []string) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, "", nil
	}
	before, after, _ := strings.Cut(string(content), " (")
	end := strings.LastIndex(after, ")")
	if end < 0 {
		return 0, "", nil
	}
	pid, _ = strconv.Atoi(before)
	return pid, after[:end], strings.Fields(after[end+1:])
}

// cpu is what the process has used so far.
func (p process) cpu() time.Duration {
	_, _, fields := readStat(fmt.Sprintf("/proc/%d/stat", p))
	const user, system = 11, 12
	if len(fields) <= system {
		return 0
	}
	var ticks int
	for _, field := range []int{user, system} {
		n, _ := strconv.Atoi(fields[field])
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// memory returns the resident memory in MiB, the most that it has been, and how much of it are files: the program.
func (p process) memory() (now, peak, files float64) {
	content, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p))
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kibibytes, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			now = kibibytes / 1024
		case "VmHWM:":
			peak = kibibytes / 1024
		case "RssFile:":
			files = kibibytes / 1024
		}
	}
	return now, peak, files
}
