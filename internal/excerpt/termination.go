// SPDX-License-Identifier: Apache-2.0

package excerpt

import "strings"

// ExecFormatError is what Linux answers to starting a program of another architecture (ENOEXEC).
const ExecFormatError = "exec format error"

// OfTermination is what may be shown of a termination message, which contains a container's last output, and so is only
// for users who may read its log: that it is of another architecture.
func OfTermination(message string) string {
	// A server that fails to execute another program has more output than this line, or says so (os/exec).
	line := strings.TrimSpace(message)
	isAlone := !strings.Contains(line, "\n") && !strings.Contains(line, "fork/exec")
	if isAlone && strings.Contains(line, ExecFormatError) {
		return ExecFormatError
	}
	return ""
}
