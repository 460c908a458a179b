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

// pingTimeout is the timeout of a ping of an HTTP/2 connection.
const pingTimeout = AggregatorTimeout

// pingAfter is how long an HTTP/2 connection may be silent before it is pinged. While it answers, the next round comes
// first, so that connections cost nothing between rounds; one to a dead node is replaced after one failed request.
func (t Target) pingAfter() time.Duration { return max(t.Interval, AggregatorTimeout) }

// directClient holds the connections to the server, which rounds share, as long as its TLS configuration is unchanged.
type directClient struct {
	client *http.Client
	// perRequest opens a new connection for each request: a connection to the Service is one to some replica, which may no
	// longer be selected by it.
	perRequest *http.Client
	serverName string
	caBundle   []byte
	timeout    time.Duration
	pingAfter  time.Duration
}

// configure creates the clients for the TLS configuration of a target, unless they already have it.
func (d *directClient) configure(clk clock.Clock, target Target) {
	if d.client != nil && d.serverName == target.ServerName && bytes.Equal(d.caBundle, target.CABundle) &&
		d.timeout == target.timeout() && d.pingAfter == target.pingAfter() {
		return
	}
	d.close()
	perRequest := newDirectTransport(clk, target, target.timeout())
	perRequest.DisableKeepAlives = true
	kept := newDirectTransport(clk, target, target.timeout())
	*d = directClient{
		client:     &http.Client{Transport: kept, CheckRedirect: refuseRedirect},
		perRequest: &http.Client{Transport: perRequest, CheckRedirect: refuseRedirect},
		serverName: target.ServerName,
		caBundle:   target.CABundle,
		timeout:    target.timeout(),
		pingAfter:  target.pingAfter(),
	}
}

func (d *directClient) forView(view View) *http.Client {
	if view == ViewService {
		return d.perRequest
	}
	return d.client
}

func (d *directClient) close() {
	if d.client != nil {
		d.client.CloseIdleConnections()
	}
}

// newDirectTransport returns a transport for requests that time out after timeout, which does not cancel their attempts
// to connect.
func newDirectTransport(clk clock.Clock, target Target, timeout time.Duration) *http.Transport {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(target.CABundle)
	connectTimeout := timeout + connectMargin
	transport := &http.Transport{
		DialContext:         dialRepeatedly(clk, (&net.Dialer{Timeout: connectTimeout}).DialContext),
		TLSHandshakeTimeout: connectTimeout,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, ServerName: target.ServerName, RootCAs: roots},
		ForceAttemptHTTP2:   true,
		// A connection to a dead node would otherwise be used until TCP gives up.
		HTTP2: &http.HTTP2Config{SendPingTimeout: target.pingAfter(), PingTimeout: pingTimeout},
	}
	limits.Bound(transport)
	return transport
}

// connectMargin makes a request time out before its attempt to connect does, so that its error message is always the
// same.
const connectMargin = 100 * time.Millisecond

// refuseRedirect prevents the probe's credentials from being sent to another server; the aggregator does not follow
// redirects either.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
