// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Behaviour configures the faults of a server; the zero value is a healthy server that responds immediately.
type Behaviour struct {
	// Discovery is the fault of GET /apis/GROUP/VERSION.
	Discovery Fault `json:"discovery,omitzero"`
	// APIs is the fault of GET /apis, from which kube-apiserver aggregates.
	APIs Fault `json:"apis,omitzero"`
	// OpenAPI is the fault of GET /openapi/v3, and OpenAPIV2 that of GET /openapi/v2. With status 404 a document is
	// missing.
	OpenAPI   Fault `json:"openAPI,omitzero"`
	OpenAPIV2 Fault `json:"openAPIV2,omitzero"`
	// List, Watch and DeleteCollection are the faults of these requests for objects.
	List             Fault `json:"list,omitzero"`
	Watch            Fault `json:"watch,omitzero"`
	DeleteCollection Fault `json:"deleteCollection,omitzero"`

	// AnswerFor is a GROUP/VERSION that discovery returns for any group-version.
	AnswerFor string `json:"answerFor,omitempty"`
	// NotServed are group-versions, as GROUP/VERSION, that return 404, although GET /apis lists them.
	NotServed []string `json:"notServed,omitempty"`
	// LeftOut are group-versions that GET /apis does not list, although they are served.
	LeftOut []string `json:"leftOut,omitempty"`
	// Empty are group-versions without resources.
	Empty []string `json:"empty,omitempty"`
	// LeftOutResources are names of resources that GET /apis does not list, although GET /apis/GROUP/VERSION does.
	LeftOutResources []string `json:"leftOutResources,omitempty"`

	// RefusesProtobuf answers 406 to requests for objects that accept protobuf, whatever else they accept.
	RefusesProtobuf bool `json:"refusesProtobuf,omitempty"`
	// InitialEvents is how watches with sendInitialEvents are answered; by default as Kubernetes does.
	InitialEvents InitialEvents `json:"initialEvents,omitempty"`

	// Resources of every group-version; DefaultResource by default. They and Objects are no faults, so that For and
	// EveryOther do not limit them.
	Resources []Resource `json:"resources,omitempty"`
	// Objects exist of each resource in each group-version, until they are deleted.
	Objects []Object `json:"objects,omitempty"`

	// FailedChecks are checks of GET /readyz that fail, as k8s.io/apiserver names them; /healthz and /livez succeed.
	FailedChecks []string `json:"failedChecks,omitempty"`

	// Certificate replaces the genuine serving certificate.
	Certificate Certificate `json:"certificate,omitempty"`

	// For limits all faults but that of the certificate to requests of one sender; empty for all senders.
	For Sender `json:"for,omitempty"`
	// EveryOther limits all faults but that of the certificate to every other request with the same user, path and
	// connection.
	EveryOther bool `json:"everyOther,omitempty"`
}

// Fault configures the fault of a response.
type Fault struct {
	// Delay before the response begins.
	Delay metav1.Duration `json:"delay,omitzero"`
	// Transfer is the duration of the transfer of the response body.
	Transfer metav1.Duration `json:"transfer,omitzero"`
	// Status of the response, 0 for 200 OK. Any other is sent without a document; redirects lead to a path that returns
	// 404.
	Status int `json:"status,omitempty"`
	// Body is sent instead of the document.
	Body Body `json:"body,omitempty"`
}

// Slow returns a fault that delays the response.
func Slow(delay time.Duration) Fault { return Fault{Delay: metav1.Duration{Duration: delay}} }

// Body is the kind of response body that is sent instead of the document.
type Body string

const (
	// Malformed is not JSON.
	Malformed Body = "Malformed"
	// Oversized is longer than 4 MiB.
	Oversized Body = "Oversized"
	// OtherDocument is a JSON object that is neither a list nor a description of an API.
	OtherDocument Body = "OtherDocument"
	// Broken is cut off in the middle, and the connection, or the stream of an HTTP/2 connection, is closed.
	Broken Body = "Broken"
)

// InitialEvents is how watches with sendInitialEvents are answered.
type InitialEvents string

const (
	// WithoutBookmark sends the initial events, but never the bookmark that ends them.
	WithoutBookmark InitialEvents = "WithoutBookmark"
	// Refused answers 422, as servers do that do not support them.
	Refused InitialEvents = "Refused"
)

// Sender is the kind of client that sends a request, according to its headers.
type Sender string

const (
	// KubeAPIServer sends the name of the user in X-Remote-User.
	KubeAPIServer Sender = "kube-apiserver"
	// Direct is a client with a token.
	Direct Sender = "direct"
	// Anonymous is any other client, such as the kubelet.
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

// ParseBehaviour reads a behaviour from JSON, and rejects what it would otherwise ignore.
func ParseBehaviour(reader io.Reader) (Behaviour, error) {
	behaviour := Behaviour{}
	decoder := json.NewDecoder(reader)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&behaviour); err != nil {
		return Behaviour{}, err
	}
	return behaviour, behaviour.validate()
}

// withoutFaults returns what remains of a behaviour for a request that no fault applies to.
func (b Behaviour) withoutFaults() Behaviour {
	return Behaviour{Resources: b.Resources, Objects: b.Objects}
}

// validate rejects values that would otherwise be ignored silently.
func (b Behaviour) validate() error {
	switch {
	case !slices.Contains([]Sender{"", KubeAPIServer, Direct, Anonymous}, b.For):
		return fmt.Errorf("unknown sender %q", b.For)
	case !slices.Contains([]Certificate{"", Untrusted, OtherName, Expired, Changing}, b.Certificate):
		return fmt.Errorf("unknown certificate %q", b.Certificate)
	case !slices.Contains([]InitialEvents{"", WithoutBookmark, Refused}, b.InitialEvents):
		return fmt.Errorf("unknown initial events %q", b.InitialEvents)
	}
	errs := []error{
		b.Discovery.validate(), b.APIs.validate(), b.OpenAPI.validate(), b.OpenAPIV2.validate(),
		b.List.validate(), b.Watch.validate(), b.DeleteCollection.validate(),
	}
	for _, resource := range b.Resources {
		errs = append(errs, resource.validate())
	}
	return errors.Join(errs...)
}

func (f Fault) validate() error {
	switch {
	case f.Status != 0 && http.StatusText(f.Status) == "":
		return fmt.Errorf("unknown status %d", f.Status)
	case !slices.Contains([]Body{"", Malformed, Oversized, OtherDocument, Broken, EveryTrick}, f.Body) &&
		tricks[f.Body] == nil:
		return fmt.Errorf("unknown body %q", f.Body)
	}
	return nil
}
