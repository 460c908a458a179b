// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// ReadObjectList reads a response to LIST completely, and returns an error unless it is a list of objects, in JSON or
// protobuf.
func ReadObjectList(response *http.Response) error {
	body, err := Body(response)
	if err != nil {
		return err
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/vnd.kubernetes.protobuf") {
		return readProtobufList(body)
	}
	return readJSONList(body)
}

// readJSONList accepts what has items, or is at least called a list.
func readJSONList(body io.Reader) error {
	var kind string
	var hasItems bool
	s := newStream(body, "list of objects", limits.ObjectList)
	err := s.document(func(name string) (err error) {
		switch name {
		case "kind":
			kind, err = s.text()
		case "items":
			hasItems = true
			_, err = s.countObjects()
		default:
			err = s.skip()
		}
		return err
	})
	if err == nil && !hasItems && !isListKind(kind) {
		err = notAList(kind)
	}
	return err
}

func isListKind(kind string) bool { return strings.HasSuffix(kind, "List") }

func notAList(kind string) error {
	return Malformed(`with a document of kind "%s" instead of a list`, excerpt.Of(kind, maxKind))
}

const (
	// maxKind is how many bytes of a kind are quoted.
	maxKind = 64
	// maxType is how many bytes the type of a document in protobuf may take, which comes first.
	maxType = 1 << 10
)

// protobufMagic begins each document in protobuf (k8s.io/apimachinery pkg/runtime/serializer/protobuf).
var protobufMagic = []byte("k8s\x00")

// readProtobufList keeps only the type.
func readProtobufList(body io.Reader) error {
	beginning, err := io.ReadAll(io.LimitReader(body, maxType))
	if err != nil {
		return err
	}
	kind, err := protobufKind(beginning)
	switch {
	case err != nil:
		return Malformed("with no valid list of objects: %v", err)
	case !isListKind(kind):
		return notAList(kind)
	}
	return Pass(body)
}

// protobufKind returns the kind of a runtime.Unknown, whose first field is its TypeMeta, of which that is the second.
func protobufKind(document []byte) (kind string, err error) {
	unknown, found := bytes.CutPrefix(document, protobufMagic)
	if !found {
		return "", errors.New("it does not begin as protobuf of Kubernetes does")
	}
	typeMeta, err := protobufField(unknown, 1)
	if err != nil {
		return "", fmt.Errorf("it has no type: %w", err)
	}
	name, err := protobufField(typeMeta, 2)
	return string(name), err
}

// protobufField returns a field of a message that consists of strings and messages.
func protobufField(message []byte, wanted protowire.Number) (value []byte, err error) {
	for len(message) > 0 {
		number, wireType, length := protowire.ConsumeTag(message)
		if length < 0 || wireType != protowire.BytesType {
			return nil, errors.New("invalid protobuf")
		}
		message = message[length:]
		value, length = protowire.ConsumeBytes(message)
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		if number == wanted {
			return value, nil
		}
		message = message[length:]
	}
	return nil, io.ErrUnexpectedEOF
}
