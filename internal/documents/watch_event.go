// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// ErrWatchError is an event that ends a watch with an error.
var ErrWatchError = errors.New("answered an event of type ERROR")

// ReadInitialEvents reads the events of a watch in JSON until the bookmark that ends the initial ones, calling each for
// every event before that. It returns io.EOF when the stream ends without it, and ErrWatchError for an error event.
func ReadInitialEvents(reader io.Reader, each func()) error {
	s := newStream(reader, "stream of events", limits.ObjectList)
	for {
		if s.decoder.PeekKind() == jsontext.KindInvalid {
			_, err := s.decoder.ReadToken()
			if errors.Is(err, io.EOF) && s.source.failure == nil {
				return io.EOF
			}
			return s.explain(err)
		}
		ended, err := s.watchEvent()
		if ended || err != nil {
			return err
		}
		each()
	}
}

// watchEvent reports whether an event ends the initial ones.
func (s *stream) watchEvent() (ends bool, err error) {
	var eventType string
	err = s.object(func(name string) (err error) {
		switch name {
		case "type":
			eventType, err = s.text()
		case "object":
			ends, err = s.endsInitialEvents()
		default:
			err = s.skip()
		}
		return err
	})
	switch {
	case err != nil:
		return false, err
	case eventType == "":
		return false, s.malformed(errors.New("an event without a type"))
	case eventType == string(watch.Error):
		return false, ErrWatchError
	default:
		return ends, nil
	}
}

// endsInitialEvents reports whether an object has the annotation of the bookmark.
func (s *stream) endsInitialEvents() (ends bool, err error) {
	err = s.object(func(name string) error {
		if name != "metadata" {
			return s.skip()
		}
		return s.object(func(name string) error {
			if name != "annotations" {
				return s.skip()
			}
			return s.object(func(name string) error {
				if name != metav1.InitialEventsAnnotationKey {
					return s.skip()
				}
				value, err := s.text()
				ends = value == "true"
				return err
			})
		})
	})
	return ends, err
}
