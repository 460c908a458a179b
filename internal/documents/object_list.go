// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"io"
	"math"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// CountObjects returns the number of objects in a list of any kind: its items plus remainingItemCount. With an error it
// is the number of objects read before.
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
	// A server may send any number.
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
