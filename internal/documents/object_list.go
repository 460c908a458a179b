// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"io"
	"math"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// CountObjects returns how many objects there are, as a list of any kind says: those that it has, and as many as it
// says are left. With an error it is how many were read before.
func CountObjects(reader io.Reader) (int64, error) {
	var listed int
	var left int64
	s := newStream(reader, "list of objects", limits.ObjectList)
	err := s.document(func(name string) (err error) {
		switch name {
		case "metadata":
			left, err = s.remaining()
		case "items":
			listed, err = s.countObjects()
		default:
			err = s.skip()
		}
		return err
	})
	// A server may say anything.
	left = min(max(left, 0), math.MaxInt64-int64(listed))
	return int64(listed) + left, err
}

func (s *stream) remaining() (count int64, err error) {
	err = s.object(func(name string) (err error) {
		if name != "remainingItemCount" {
			return s.skip()
		}
		count, err = s.number()
		return err
	})
	return count, err
}
