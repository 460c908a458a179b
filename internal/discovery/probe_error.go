// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Class is the kind of failure of a request.
type Class string

const (
	// ClassTimeout means that there was no complete response in time.
	ClassTimeout Class = "Timeout"
	// ClassUnreachable means that no connection could be established.
	ClassUnreachable Class = "Unreachable"
	// ClassUntrusted means that the serving certificate was not issued by a CA in the bundle.
	ClassUntrusted Class = "Untrusted"
	// ClassWrongName means that the serving certificate is for other names.
	ClassWrongName Class = "WrongName"
	// ClassExpired means that the serving certificate, or a CA in its chain, has expired or is not valid yet.
	ClassExpired Class = "Expired"
	// ClassRefused means status 401 or 403.
	ClassRefused Class = "Refused"
	// ClassMissing means status 404.
	ClassMissing Class = "Missing"
	// ClassRedirected means status 3xx, which kube-apiserver does not follow.
	ClassRedirected Class = "Redirected"
	// ClassServerError means any other status than 200.
	ClassServerError Class = "ServerError"
	// ClassMalformed means that the response is not a discovery document of the group-version.
	ClassMalformed Class = "Malformed"
	// ClassOversized means that the response exceeds the size limit.
	ClassOversized Class = "Oversized"
	// ClassNotSent means that no request was sent, as there was no token or no list of kube-apiservers.
	ClassNotSent Class = "NotSent"
	// ClassOther is anything else, such as a connection that broke.
	ClassOther Class = "Other"
)

// ProbeError is why a request failed. Its text is the same for each such failure: without URL, port, stream ID and
// time. It is printable and bounded, whatever a server sends.
type ProbeError struct {
	Class Class
	Text  string
	// Status is the HTTP status of the response, 0 if there was none or it was 200.
	Status int
}

// notSent returns the error of a request that was not sent.
func notSent(err error) error {
	return &ProbeError{Class: ClassNotSent, Text: excerpt.Of(err.Error(), limits.Text)}
}

func (f *ProbeError) Error() string { return f.Text }

// hasStatus reports whether there was an HTTP response with an error status.
func (f *ProbeError) hasStatus() bool {
	return slices.Contains([]Class{ClassRefused, ClassMissing, ClassRedirected, ClassServerError}, f.Class)
}

// statusError is a response with another status than 200.
type statusError struct {
	code int
	// status is the code and its text, such as "404 Not Found".
	status string
	// body is the beginning of the response, if it is text.
	body string
}

func (e *statusError) Error() string {
	if e.body != "" {
		return fmt.Sprintf("answered %s: %s", e.status, e.body)
	}
	return "answered " + e.status
}

// newProbeError returns nil for nil. dialed is true if a connection was established.
func newProbeError(err error, timeout time.Duration, dialed bool) error {
	if err == nil {
		return nil
	}
	switch class := classOf(err); {
	case class == ClassTimeout && !dialed:
		return &ProbeError{Class: ClassUnreachable, Text: fmt.Sprintf("no connection within %s", timeout)}
	case class == ClassTimeout:
		return &ProbeError{Class: class, Text: fmt.Sprintf("no complete answer within %s", timeout)}
	default:
		return &ProbeError{Class: class, Text: excerpt.Of(textFor(err), limits.Text), Status: statusOf(err)}
	}
}

func statusOf(err error) int {
	if answered, ok := errors.AsType[*statusError](err); ok {
		return answered.code
	}
	return 0
}

func classOf(err error) Class {
	if errors.Is(err, context.DeadlineExceeded) {
		return ClassTimeout
	}
	if answered, ok := errors.AsType[*statusError](err); ok {
		return classOfStatus(answered.code)
	}
	if class := classOfAnswer(err); class != "" {
		return class
	}
	if class := classOfTLS(err); class != "" {
		return class
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
		return ClassUnreachable
	}
	return ClassOther
}

// classOfAnswer returns the class of an invalid response of status 200, empty for any other error.
func classOfAnswer(err error) Class {
	if _, ok := errors.AsType[*documents.MalformedError](err); ok {
		return ClassMalformed
	}
	if _, ok := errors.AsType[*documents.TooLargeError](err); ok {
		return ClassOversized
	}
	return ""
}

func classOfStatus(code int) Class {
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return ClassRefused
	case code == http.StatusNotFound:
		return ClassMissing
	case code >= 300 && code < 400:
		return ClassRedirected
	default:
		return ClassServerError
	}
}

func classOfTLS(err error) Class {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return ClassWrongName
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return ClassExpired
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return ClassUntrusted
	}
	return ""
}

// changing matches what differs in each error: the HTTP/2 stream ID, the source port of the connection, the time.
var changing = regexp.MustCompile(`stream ID \d+; |\S+:\d+->|: current time \S+ is (after|before) \S+`)

func textFor(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if wrapped, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Sprintf("%s: %v", wrapped.Op, wrapped.Err) // without the addresses
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Sprintf("the serving certificate has expired or is not valid yet: it is valid from %s to %s",
			invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return changing.ReplaceAllString(err.Error(), "")
}
