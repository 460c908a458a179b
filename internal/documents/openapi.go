// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"errors"
	"io"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// ReadOpenAPIV2 reads an OpenAPI v2 document, and returns an error unless kube-apiserver can merge it.
func ReadOpenAPIV2(reader io.Reader) error {
	return readWithField(reader, "OpenAPI v2", "swagger")
}

// ReadOpenAPIV3 reads the list of OpenAPI v3 documents, and returns an error unless kube-apiserver can merge it.
func ReadOpenAPIV3(reader io.Reader) error {
	return readWithField(reader, "list of OpenAPI v3 documents", "paths")
}

// readWithField reads an object of which only one field is known.
func readWithField(reader io.Reader, kind, field string) error {
	has := false
	s := newStream(reader, kind, limits.OpenAPI)
	err := s.document(func(name string) error {
		has = has || name == field
		return s.skip()
	})
	if err == nil && !has {
		err = s.malformed(errors.New("there is no field " + field))
	}
	return err
}
