// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http/httptest"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Local is a Server within the process of the test.
type Local struct {
	*Server
	http        *httptest.Server
	certificate atomic.Pointer[tls.Certificate]
}

// Start returns a server of the group-versions, which listens on a free port of 127.0.0.1 until it is closed.
func Start(certificate tls.Certificate, groupVersions ...schema.GroupVersion) *Local {
	l := &Local{Server: New(groupVersions...)}
	l.Present(certificate)
	l.http = httptest.NewUnstartedServer(l)
	l.http.EnableHTTP2 = true
	// Handshake errors of clients that do not trust the certificate are expected.
	l.http.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	l.http.TLS = l.TLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return l.certificate.Load(), nil })
	l.http.StartTLS()
	return l
}

// Port returns the port on which the server listens.
func (l *Local) Port() int32 {
	address, _ := l.http.Listener.Addr().(*net.TCPAddr)
	return int32(address.Port) //nolint:gosec // G115: a port fits
}

// Present makes the server present another certificate to clients that connect from now on.
func (l *Local) Present(certificate tls.Certificate) { l.certificate.Store(&certificate) }

// CloseClientConnections closes all connections, so that clients have to reconnect.
func (l *Local) CloseClientConnections() { l.http.CloseClientConnections() }

// Close stops the server and closes all its connections.
func (l *Local) Close() {
	l.CloseClientConnections()
	l.http.Close()
}
