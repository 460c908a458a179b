// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
)

var groupVersion = schema.GroupVersion{Group: "wardle.example.com", Version: "v1"}

// documentKey is a key of a replica without an address.
var documentKey = AtEndpoint(Replica{}, groupVersion)

const goodAnswer = `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"wardle.example.com/v1",` +
	`"resources":[{"name":"flunders","verbs":["get","delete"]}]}`

func serve(t *testing.T, handler http.HandlerFunc) (server *httptest.Server, address string) {
	t.Helper()
	server = httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true // like every extension API server
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, strings.TrimPrefix(server.URL, "https://")
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func probeAt(t *testing.T, client *http.Client, address string) Sample {
	t.Helper()
	requester := requester{clock: clock.RealClock{}, client: client, timeout: testPolicy.timeout()}
	key := documentKey
	key.Address = address
	return requester.do(t.Context(), key)
}

func TestProbeReportsInvalidResponses(t *testing.T) {
	tests := map[string]struct {
		handler http.HandlerFunc
		err     string
	}{
		"a valid response": {answering(http.StatusOK, goodAnswer), ""},
		"an error":         {answering(http.StatusInternalServerError, "oops"), "answered 500"},
		"a refusal":        {answering(http.StatusForbidden, "{}"), "answered 403"},
		"something else":   {answering(http.StatusOK, "<html>"), "no valid APIResourceList"},
		"another group-version": {
			answering(http.StatusOK, strings.ReplaceAll(goodAnswer, "v1\"", "v2\"")), "instead of",
		},
		"a body that is cut short": {cutShort, "EOF"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.invalid/", http.StatusFound)
		}, "answered 302"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, address := serve(t, test.handler)
			client := server.Client()
			client.CheckRedirect = refuseRedirect
			sample := probeAt(t, client, address)
			if got := errorText(sample.Err); (test.err == "") != (got == "") || !strings.Contains(got, test.err) {
				t.Errorf("error %q, want %q", got, test.err)
			}
		})
	}
}

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte("{"))
}

func TestErrorTextsAreStable(t *testing.T) {
	server, address := serve(t, answering(http.StatusOK, goodAnswer))
	untrusting := &http.Client{Transport: &http.Transport{}}
	first, second := probeAt(t, untrusting, address), probeAt(t, untrusting, address)
	if first.Err == nil || errorText(first.Err) != errorText(second.Err) {
		t.Errorf("%v, then %v", first.Err, second.Err)
	}
	server.Close()
	gone := probeAt(t, untrusting, address)
	if errorText(gone.Err) != "dial: connect: connection refused" {
		t.Errorf("a closed port reads %q", gone.Err)
	}
}

func TestErrorTextsOfExpiredCertificatesAreStable(t *testing.T) {
	certificate := &x509.Certificate{NotBefore: time.Unix(0, 0), NotAfter: time.Unix(3600, 0)}
	var texts []string
	for _, detail := range []string{"current time 12:00:00 is after …", "current time 12:00:30 is after …"} {
		failure := x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired, Detail: detail}
		err := &url.Error{Err: &tls.CertificateVerificationError{Err: failure}}
		texts = append(texts, newProbeError(err, time.Second, true).Error())
	}
	if texts[0] != texts[1] || !strings.Contains(texts[0], "to 1970-01-01T01:00:00Z") {
		t.Errorf("reads %q", texts)
	}
}

func TestStreamIDsAreOmitted(t *testing.T) {
	err := errors.New("stream error: stream ID 7; INTERNAL_ERROR; received from peer")
	if got := newProbeError(err, time.Second, true).Error(); got != "stream error: INTERNAL_ERROR; received from peer" {
		t.Errorf("reads %q", got)
	}
}

// The kernel accepts connections for a process that hangs.
func TestAKubeAPIServerThatHangsIsUnreachableAndAReplicaThatHangsDoesNotAnswer(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	hanging := requester{clock: clock.RealClock{}, client: &http.Client{}, timeout: 100 * time.Millisecond}
	for view, want := range map[View]Class{ViewKubeAPIServer: ClassUnreachable, ViewEndpoint: ClassTimeout} {
		key := Key{View: view, Address: listener.Addr().String(), Document: DocumentGroupVersion}
		if sample := hanging.do(t.Context(), key); ClassOf(sample) != want {
			t.Errorf("%s: %v", view, sample.Err)
		}
	}
}

func TestTimeoutsWithoutAConnectionAreUnreachable(t *testing.T) {
	for dialed, want := range map[bool]Class{true: ClassTimeout, false: ClassUnreachable} {
		if got := ClassOf(Sample{Err: newProbeError(context.DeadlineExceeded, time.Second, dialed)}); got != want {
			t.Errorf("dialed: %v, got %s", dialed, got)
		}
	}
}
