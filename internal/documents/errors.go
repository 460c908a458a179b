// SPDX-License-Identifier: Apache-2.0

package documents

import "fmt"

// ExcessError says that an answer is larger than anybody reads.
type ExcessError struct{ text string }

func (e *ExcessError) Error() string { return e.text }

func excess(format string, args ...any) error {
	return &ExcessError{"answered " + fmt.Sprintf(format, args...)}
}

// MalformedError says that an answer is not what was asked for.
type MalformedError struct{ text string }

func (e *MalformedError) Error() string { return e.text }

// Malformed returns a MalformedError that completes "answered …".
func Malformed(format string, args ...any) error {
	return &MalformedError{"answered " + fmt.Sprintf(format, args...)}
}

// size is for people: 4 MiB, 64 KiB.
func size(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d KiB", bytes>>10)
}
