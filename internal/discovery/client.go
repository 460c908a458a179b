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
)

// pingAfter is how long an HTTP/2 connection may be silent before it is checked, and how long the check may take.
const pingAfter = AggregatorTimeout

// directClient keeps the connections to the server, which rounds share, for as long as their trust stays the same.
type directClient struct {
	client     *http.Client
	serverName string
	caBundle   []byte
	timeout    time.Duration
}

func (d *directClient) get(clk clock.Clock, target Target) *http.Client {
	if d.client != nil && d.serverName == target.ServerName && bytes.Equal(d.caBundle, target.CABundle) &&
		d.timeout == target.timeout() {
		return d.client
	}
	d.close()
	*d = directClient{
		client:     newDirectClient(clk, target.ServerName, target.CABundle, target.timeout()),
		serverName: target.ServerName,
		caBundle:   target.CABundle,
		timeout:    target.timeout(),
	}
	return d.client
}

func (d *directClient) close() {
	if d.client != nil {
		d.client.CloseIdleConnections()
	}
}

// newDirectClient returns a client for requests that end after timeout, which does not end their attempts to connect.
func newDirectClient(clk clock.Clock, serverName string, caBundle []byte, timeout time.Duration) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(caBundle)
	connectTimeout := timeout + connectMargin
	return &http.Client{CheckRedirect: refuseRedirect, Transport: &http.Transport{
		DialContext:         persistently(clk, (&net.Dialer{Timeout: connectTimeout}).DialContext),
		TLSHandshakeTimeout: connectTimeout,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName, RootCAs: roots},
		ForceAttemptHTTP2:   true,
		// A connection to a node that died would otherwise be used until TCP gives up.
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
	}}
}

// connectMargin has a request end before its attempt to connect does, so that its failure reads the same each time.
const connectMargin = 100 * time.Millisecond

// refuseRedirect keeps the probe's credentials from following a redirect; the aggregator follows none either.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
