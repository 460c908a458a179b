// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Behaviour says what is wrong with a server; the zero value is a good one that answers at once.
type Behaviour struct {
	// Discovery is what happens to GET /apis/GROUP/VERSION.
	Discovery Fault `json:"discovery,omitzero"`
	// APIs is what happens to GET /apis, from which kube-apiserver aggregates.
	APIs Fault `json:"apis,omitzero"`
	// OpenAPI is what happens to GET /openapi/v3.
	OpenAPI Fault `json:"openAPI,omitzero"`

	// AnswerFor is the GROUP/VERSION for which discovery of any group-version is answered.
	AnswerFor string `json:"answerFor,omitempty"`
	// NotServed are group-versions, as GROUP/VERSION, that are answered 404, though GET /apis has them.
	NotServed []string `json:"notServed,omitempty"`
	// LeftOut are group-versions that GET /apis does not have, though they are served.
	LeftOut []string `json:"leftOut,omitempty"`
	// Empty are group-versions without resources.
	Empty []string `json:"empty,omitempty"`

	// Certificate is shown in place of the genuine one.
	Certificate Certificate `json:"certificate,omitempty"`

	// For limits all but the certificate to requests of one sender; empty for all of them.
	For Sender `json:"for,omitempty"`
	// EveryOther limits all but the certificate to every other request of a user for the same on each connection.
	EveryOther bool `json:"everyOther,omitempty"`
}

// Fault says what is wrong with an answer.
type Fault struct {
	// Delay before the answer begins.
	Delay metav1.Duration `json:"delay,omitzero"`
	// Transfer is how long the answer then takes to arrive.
	Transfer metav1.Duration `json:"transfer,omitzero"`
	// Status of the answer, 0 for 200 OK. Any other comes without a document; redirections lead to a path that is 404.
	Status int `json:"status,omitempty"`
	// Body comes in place of the document.
	Body Body `json:"body,omitempty"`
}

// Slow is an answer that begins after the delay.
func Slow(delay time.Duration) Fault { return Fault{Delay: metav1.Duration{Duration: delay}} }

// Body is what becomes of the document in an answer.
type Body string

const (
	// Malformed is no JSON.
	Malformed Body = "Malformed"
	// Oversized is more than 4 MiB long.
	Oversized Body = "Oversized"
	// Broken ends in the middle, and with it the connection, or the stream of an HTTP/2 connection.
	Broken Body = "Broken"
)

// Sender is who sends a request, as far as its headers tell.
type Sender string

const (
	// KubeAPIServer says for whom it asks, in X-Remote-User.
	KubeAPIServer Sender = "kube-apiserver"
	// Direct is somebody with a token.
	Direct Sender = "direct"
	// Anonymous is anybody else, such as the kubelet.
	Anonymous Sender = "anonymous"
)

func senderOf(r *http.Request) Sender {
	switch {
	case r.Header.Get("X-Remote-User") != "":
		return KubeAPIServer
	case r.Header.Get("Authorization") != "":
		return Direct
	default:
		return Anonymous
	}
}

// validate finds what would otherwise be ignored without a word.
func (b Behaviour) validate() error {
	switch {
	case !slices.Contains([]Sender{"", KubeAPIServer, Direct, Anonymous}, b.For):
		return fmt.Errorf("there is no sender %q", b.For)
	case !slices.Contains([]Certificate{"", Untrusted, OtherName, Expired, Changing}, b.Certificate):
		return fmt.Errorf("there is no certificate %q", b.Certificate)
	}
	return errors.Join(b.Discovery.validate(), b.APIs.validate(), b.OpenAPI.validate())
}

func (f Fault) validate() error {
	switch {
	case f.Status != 0 && http.StatusText(f.Status) == "":
		return fmt.Errorf("there is no status %d", f.Status)
	case !slices.Contains([]Body{"", Malformed, Oversized, Broken, EveryTrick}, f.Body) && tricks[f.Body] == nil:
		return fmt.Errorf("there is no body %q", f.Body)
	}
	return nil
}
