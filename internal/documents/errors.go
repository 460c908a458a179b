// SPDX-License-Identifier: Apache-2.0

package documents

import "fmt"

// TooLargeError means that a response exceeds a size limit.
type TooLargeError struct{ text string }

func (e *TooLargeError) Error() string { return e.text }

func excess(format string, args ...any) error {
	return &TooLargeError{"answered " + fmt.Sprintf(format, args...)}
}

// MalformedError means that a response is not the requested document.
type MalformedError struct{ text string }

func (e *MalformedError) Error() string { return e.text }

// Malformed returns a MalformedError that completes "answered …".
func Malformed(format string, args ...any) error {
	return &MalformedError{"answered " + fmt.Sprintf(format, args...)}
}

// size formats a number of bytes: 4 MiB, 64 KiB.
func size(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d KiB", bytes>>10)
}
