// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"

	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// pingAfter is how long an HTTP/2 connection may be silent before it is checked, and how long the check may take.
const pingAfter = AggregatorTimeout

// directClient keeps the connections to the server, which rounds share, for as long as their trust stays the same.
type directClient struct {
	client *http.Client
	// fresh connects anew each time: a connection to the Service is one to some replica, which may have left it.
	fresh      *http.Client
	serverName string
	caBundle   []byte
	timeout    time.Duration
}

// aim makes the clients for the trust of a target, unless they are.
func (d *directClient) aim(clk clock.Clock, target Target) {
	if d.client != nil && d.serverName == target.ServerName && bytes.Equal(d.caBundle, target.CABundle) &&
		d.timeout == target.timeout() {
		return
	}
	d.close()
	fresh := newDirectTransport(clk, target.ServerName, target.CABundle, target.timeout())
	fresh.DisableKeepAlives = true
	kept := newDirectTransport(clk, target.ServerName, target.CABundle, target.timeout())
	*d = directClient{
		client:     &http.Client{Transport: kept, CheckRedirect: refuseRedirect},
		fresh:      &http.Client{Transport: fresh, CheckRedirect: refuseRedirect},
		serverName: target.ServerName,
		caBundle:   target.CABundle,
		timeout:    target.timeout(),
	}
}

func (d *directClient) forView(view View) *http.Client {
	if view == ViewService {
		return d.fresh
	}
	return d.client
}

func (d *directClient) close() {
	if d.client != nil {
		d.client.CloseIdleConnections()
	}
}

// newDirectTransport is for requests that end after timeout, which does not end their attempts to connect.
func newDirectTransport(clk clock.Clock, serverName string, caBundle []byte, timeout time.Duration) *http.Transport {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(caBundle)
	connectTimeout := timeout + connectMargin
	transport := &http.Transport{
		DialContext:         persistently(clk, (&net.Dialer{Timeout: connectTimeout}).DialContext),
		TLSHandshakeTimeout: connectTimeout,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName, RootCAs: roots},
		ForceAttemptHTTP2:   true,
		// A connection to a node that died would otherwise be used until TCP gives up.
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
	}
	limits.Bound(transport)
	return transport
}

// connectMargin has a request end before its attempt to connect does, so that its failure reads the same each time.
const connectMargin = 100 * time.Millisecond

// refuseRedirect keeps the probe's credentials from following a redirect; the aggregator follows none either.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
