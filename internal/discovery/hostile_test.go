// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
	"github.com/extensionapi/extensionapi-operator/test/memory"
)

// maxMemory is far more than reading a response takes, including the memory of the server in the same process, and far
// less than what a hostile server sends or makes the client decode: 100 MB, or gigabytes.
const maxMemory = 96 << 20

// hostile maps the attacks of a server to the expected errors.
var hostile = map[extensionserver.Body]ProbeError{
	extensionserver.GzipBomb: {
		Class: ClassMalformed, Text: `answered with Content-Encoding "gzip", which was not requested`,
	},
	extensionserver.TinyElements: {Class: ClassOversized, Text: "answered more than 4 MiB"},
	extensionserver.Flood:        {Class: ClassOversized, Text: "answered a single piece of JSON longer than 64 KiB"},
	extensionserver.Drip:         {Class: ClassTimeout, Text: "no complete answer within 1s"},
	// HTTP/2 and HTTP/1 have different errors for it.
	extensionserver.Headers: {Class: ClassOther},
	extensionserver.Nesting: {
		Class: ClassMalformed, Text: "answered with no valid APIResourceList: [ instead of {",
	},
	extensionserver.ControlCharacters: {
		Class: ClassMalformed, Text: `answered for group-version "\x1b[2J\x1b]0;pwned\a\r\x00\u202e\u2066evil`,
	},
	extensionserver.LongString:   {Class: ClassOversized, Text: "answered a single piece of JSON longer than 64 KiB"},
	extensionserver.RedirectLoop: {Class: ClassRedirected, Text: "answered 307 Temporary Redirect"},
}

// newTestClient returns a client of a server with this protocol.
func newTestClient(t *testing.T, handler http.Handler, http2 bool) (client *directClient, address string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	target := Target{
		ServerName: "example.com", // as httptest's certificate
		CABundle:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		Policy:     testPolicy,
	}
	client = &directClient{}
	client.configure(clock.RealClock{}, target)
	t.Cleanup(client.close)
	return client, strings.TrimPrefix(server.URL, "https://")
}

// timeoutFor returns a short timeout only if nothing else ends the probe.
func timeoutFor(trick extensionserver.Body) time.Duration {
	if trick == extensionserver.Drip {
		return time.Second
	}
	return time.Minute
}

func TestHostileServersAreDetectedWithBoundedMemory(t *testing.T) {
	for trick, want := range hostile {
		for _, http2 := range []bool{true, false} {
			t.Run(string(trick)+"/"+protocols[http2], func(t *testing.T) {
				server := extensionserver.New(groupVersion)
				server.Behave(extensionserver.Behaviour{Discovery: extensionserver.Fault{Body: trick}})
				client, address := newTestClient(t, server, http2)
				requester := requester{clock: clock.RealClock{}, client: client.client, timeout: timeoutFor(trick)}
				key := documentKey
				key.Address = address
				var sample Sample
				growth := memory.Growth(t, func() { sample = requester.do(t.Context(), key) })
				if got := errorText(sample.Err); ClassOf(sample) != want.Class || !strings.Contains(got, want.Text) {
					t.Errorf("%s: %q, want %s: %q", ClassOf(sample), got, want.Class, want.Text)
				}
				if growth > maxMemory {
					t.Errorf("took %d MiB of memory", growth>>20)
				}
			})
		}
	}
}

var protocols = map[bool]string{true: "HTTP2", false: "HTTP1"}

// The memory limit also holds for the documents that cover all group-versions.
func TestHostileResponsesForAllGroupVersionsUseBoundedMemory(t *testing.T) {
	for trick := range hostile {
		fault := extensionserver.Fault{Body: trick}
		for _, document := range []Document{DocumentAPIs, DocumentOpenAPI} {
			t.Run(string(trick)+"/"+string(document), func(t *testing.T) {
				server := extensionserver.New(groupVersion)
				server.Behave(extensionserver.Behaviour{APIs: fault, OpenAPI: fault})
				client, address := newTestClient(t, server, true)
				requester := requester{clock: clock.RealClock{}, client: client.client, timeout: timeoutFor(trick)}
				growth := memory.Growth(t, func() {
					requester.do(t.Context(), Key{View: ViewEndpoint, Address: address, Document: document})
				})
				if growth > maxMemory {
					t.Errorf("took %d MiB of memory", growth>>20)
				}
			})
		}
	}
}

func TestUnknownListedGroupVersionsAreNotStored(t *testing.T) {
	document := `{"items":[` + strings.Repeat(`{"metadata":{"name":"a"},"versions":[{"version":"v1"}]},`, 50_000) +
		`{"metadata":{"name":"wardle.example.com"},"versions":[{"version":"v1","resources":[{}]}]}]}`
	answer := response(http.StatusOK, aggregatedType, document)
	got, err := Key{Document: DocumentAPIs}.read(&answer, []schema.GroupVersion{groupVersion})
	if err != nil || len(got.Listed) != 1 || got.Listed[groupVersion] != 1 {
		t.Errorf("kept %d entries, error %v", len(got.Listed), err)
	}
}

func TestPersistentFailuresKeepTheirTextForAMinute(t *testing.T) {
	h := &history{}
	wordsAt := func(after time.Duration, class Class) string {
		failure := &ProbeError{Class: class, Text: "certificate " + strconv.Itoa(int(after.Seconds()))}
		h.add(Sample{Err: failure}, time.Unix(0, 0).Add(after), testPolicy.Limit, testPolicy)
		return errorText(h.last.Err)
	}
	for _, step := range []struct {
		after time.Duration
		class Class
		want  string
	}{
		{0, ClassUntrusted, "certificate 0"},
		{30 * time.Second, ClassUntrusted, "certificate 0"},
		{59 * time.Second, ClassUntrusted, "certificate 0"},
		{60 * time.Second, ClassUntrusted, "certificate 60"},
		{61 * time.Second, ClassUntrusted, "certificate 60"},
		{62 * time.Second, ClassExpired, "certificate 62"},
	} {
		if got := wordsAt(step.after, step.class); got != step.want {
			t.Errorf("after %s: %q, want %q", step.after, got, step.want)
		}
	}
}
