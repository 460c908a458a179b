// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

func TestServedReturnsTheServedChain(t *testing.T) {
	var requests int
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests++ }))
	defer server.Close()
	chain, err := Served(t.Context(), server.Listener.Addr().String(), "any.name.svc")
	if err != nil {
		t.Fatal(err)
	}
	if len(chain) == 0 || !chain[0].Equal(server.Certificate()) {
		t.Errorf("got %d certificates, want the server's", len(chain))
	}
	if requests != 0 {
		t.Error("a request was sent")
	}
}

func TestTooLongChainsAreRejected(t *testing.T) {
	for length, want := range map[int]string{
		limits.Chain: "", limits.Chain + 1: "it serves a chain of more than 10 certificates",
	} {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			long := server.TLS.Certificates[0] // of httptest
			long.Certificate = slices.Repeat(long.Certificate[:1], length)
			return &long, nil
		}}
		server.StartTLS()
		chain, err := Served(t.Context(), server.Listener.Addr().String(), "any.name.svc")
		server.Close()
		if want == "" && (err != nil || len(chain) != length) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("of %d certificates got %d, error %v", length, len(chain), err)
		}
	}
}

func TestErrorTextsAreStable(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Served(t.Context(), address, "any.name.svc")
	if err == nil || err.Error() != "dial: connect: connection refused" {
		t.Errorf("got %v", err)
	}
}
