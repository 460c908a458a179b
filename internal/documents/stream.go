// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// stream reads a JSON document in bounded memory. null counts as empty.
type stream struct {
	kind    string
	bounds  limits.Document
	source  *source
	decoder *jsontext.Decoder
}

// newStream reads a document of the expected kind, up to the bounds.
func newStream(reader io.Reader, kind string, bounds limits.Document) *stream {
	s := &stream{kind: kind, bounds: bounds, source: &source{reader: reader, bounds: bounds}}
	// Duplicate names are not detected: that would keep all of them in memory. Invalid UTF-8 is accepted, as Kubernetes
	// does.
	s.decoder = jsontext.NewDecoder(s.source, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	s.source.consumed = s.decoder.InputOffset
	return s
}

// document reads an object, calling field for each of its fields, and checks that nothing follows it.
func (s *stream) document(field func(name string) error) error {
	if s.decoder.PeekKind() == jsontext.KindNull {
		return s.malformed(errors.New("null"))
	}
	if err := s.object(field); err != nil {
		return err
	}
	_, err := s.decoder.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		err = errors.New("more after its end")
	}
	return s.explain(err)
}

// object calls field for each field, which must read its value.
func (s *stream) object(field func(name string) error) error {
	_, begun, err := s.read(jsontext.KindBeginObject)
	for err == nil && begun {
		var token jsontext.Token
		if token, err = s.next(); err != nil || token.Kind() == jsontext.KindEndObject {
			return err
		}
		err = field(token.String())
	}
	return err
}

// array calls element for each element, which must read it.
func (s *stream) array(element func() error) error {
	_, begun, err := s.read(jsontext.KindBeginArray)
	for err == nil && begun {
		if s.decoder.PeekKind() == jsontext.KindEndArray {
			_, err = s.next()
			return err
		}
		err = element()
	}
	return err
}

// text reads a string.
func (s *stream) text() (string, error) {
	token, present, err := s.read(jsontext.KindString)
	if err != nil || !present {
		return "", err
	}
	return token.String(), nil
}

// number reads an integer.
func (s *stream) number() (int64, error) {
	token, present, err := s.read(jsontext.KindNumber)
	if err != nil || !present {
		return 0, err
	}
	number, err := token.Int()
	if err != nil {
		return 0, s.malformed(errors.New("a number that is not an integer"))
	}
	return number, nil
}

// flag reads a boolean.
func (s *stream) flag() (bool, error) {
	token, err := s.next()
	switch {
	case err != nil, token.Kind() == jsontext.KindNull:
		return false, err
	case token.Kind() != jsontext.KindTrue && token.Kind() != jsontext.KindFalse:
		return false, s.malformed(fmt.Errorf("%s instead of true or false", token.Kind()))
	default:
		return token.Bool(), nil
	}
}

// read reads a value of that kind, or the beginning of one, and reports whether it is not null.
func (s *stream) read(kind jsontext.Kind) (token jsontext.Token, present bool, err error) {
	token, err = s.next()
	switch {
	case err != nil, token.Kind() == jsontext.KindNull:
		return token, false, err
	case token.Kind() != kind:
		return token, false, s.malformed(fmt.Errorf("%s instead of %s", token.Kind(), kind))
	default:
		return token, true, nil
	}
}

// skip skips a value.
func (s *stream) skip() error {
	for depth := s.decoder.StackDepth(); ; {
		if _, err := s.next(); err != nil || s.decoder.StackDepth() <= depth {
			return err
		}
	}
}

// countObjects skips an array of objects and counts them. With an error it returns how many were read before.
func (s *stream) countObjects() (count int, err error) {
	skip := func(string) error { return s.skip() }
	err = s.array(func() error {
		if err := s.object(skip); err != nil {
			return err
		}
		count++
		return nil
	})
	return count, err
}

func (s *stream) next() (jsontext.Token, error) {
	token, err := s.decoder.ReadToken()
	if err == nil && s.decoder.StackDepth() > s.bounds.Depth {
		err = excess("JSON that is nested more than %d deep", s.bounds.Depth)
		s.source.failure = err
	}
	if err != nil {
		err = s.explain(err)
	}
	return token, err
}

// explain distinguishes a response that was interrupted, or is too large, from one that is not JSON.
func (s *stream) explain(err error) error {
	if s.source.failure != nil {
		return s.source.failure
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s.malformed(errors.New("it ends too early"))
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok && syntax.Err != nil {
		err = syntax.Err // without the position, which may vary
	}
	return s.malformed(err)
}

func (s *stream) malformed(cause error) error {
	return Malformed("with no valid %s: %v", s.kind, cause)
}

// source fails when the document, or a token of it, becomes too long.
type source struct {
	reader io.Reader
	bounds limits.Document
	// consumed returns the position up to which the decoder has processed; what follows it is in memory.
	consumed  func() int64
	delivered int64
	// failure is why the document cannot be read completely.
	failure error
}

// Read implements io.Reader.
func (s *source) Read(into []byte) (int, error) {
	left := s.bounds.Token - (s.delivered - s.consumed())
	if s.failure == nil && left <= 0 {
		s.failure = excess("a single piece of JSON longer than %s", size(s.bounds.Token))
	}
	if s.failure != nil {
		return 0, s.failure
	}
	length, err := s.reader.Read(into[:min(int64(len(into)), left)])
	s.delivered += int64(length)
	switch {
	case s.delivered > s.bounds.Bytes:
		s.failure = excess("more than %s", size(s.bounds.Bytes))
	case err != nil && err != io.EOF:
		s.failure = err
	}
	return length, err
}
