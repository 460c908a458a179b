// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"io"
	"net/http"
	"strings"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Body returns the body of a response. An encoded one is an error, as no encoding is requested.
func Body(response *http.Response) (io.Reader, error) {
	if encoding := encodingOf(response); encoding != "" {
		return nil, Malformed(`with Content-Encoding "%s", which was not requested`, excerpt.Of(encoding, maxEncoding))
	}
	return response.Body, nil
}

// maxEncoding is how many bytes of the name of an encoding are quoted.
const maxEncoding = 32

func encodingOf(response *http.Response) string {
	encoding := strings.Join(response.Header.Values("Content-Encoding"), ", ")
	if strings.EqualFold(encoding, "identity") {
		return ""
	}
	return encoding
}

// Pass reads a complete discovery document whose content is not needed.
func Pass(reader io.Reader) error {
	length, err := io.Copy(io.Discard, io.LimitReader(reader, limits.Discovery.Bytes+1))
	if err == nil && length > limits.Discovery.Bytes {
		err = excess("more than %s", size(limits.Discovery.Bytes))
	}
	return err
}

// ErrorMessage returns the first line of the error message in a response: its text, or the message of a Status. It is
// empty if there is none, or none that can be read.
func ErrorMessage(response *http.Response) string {
	body, err := Body(response)
	if err != nil {
		return ""
	}
	text := ""
	switch contentType := response.Header.Get("Content-Type"); {
	case strings.HasPrefix(contentType, "text/plain"):
		beginning, _ := io.ReadAll(io.LimitReader(body, limits.Status.Bytes))
		text = string(beginning)
	case strings.HasPrefix(contentType, "application/json"):
		text = statusMessage(body)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return excerpt.Of(strings.TrimSpace(line), maxMessage)
}

// maxMessage is how many bytes of an error message are quoted.
const maxMessage = 200

// statusMessage returns the message of a metav1.Status, as far as it can be read.
func statusMessage(reader io.Reader) (message string) {
	s := newStream(reader, "Status", limits.Status)
	_ = s.document(func(name string) (err error) {
		if name != "message" {
			return s.skip()
		}
		message, err = s.text()
		return err
	})
	return message
}
