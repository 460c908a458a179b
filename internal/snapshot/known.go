// SPDX-License-Identifier: Apache-2.0

package snapshot

// Known is what was read, or why it is unknown. The zero value is unknown.
type Known[T any] struct {
	value T
	err   error
	read  bool
}

// Of returns what was read, or, where err is not nil, what is unknown for that reason.
func Of[T any](value T, err error) Known[T] {
	if err != nil {
		return Known[T]{err: err}
	}
	return Known[T]{value: value, read: true}
}

// Get returns the value and whether it is known.
func (k Known[T]) Get() (value T, known bool) { return k.value, k.read }

// IsKnown reports whether it was read.
func (k Known[T]) IsKnown() bool { return k.read }

// Value returns the zero value where it is unknown.
func (k Known[T]) Value() T { return k.value }

// Err is why it is unknown, nil where it is known or was not read.
func (k Known[T]) Err() error { return k.err }
