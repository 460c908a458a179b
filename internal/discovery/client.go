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

// idleConnectionTimeout outlives the default interval, so that rounds share connections.
const idleConnectionTimeout = 90 * time.Second

// pingAfter is how long an HTTP/2 connection may be silent before it is checked, and how long the check may take.
const pingAfter = AggregatorTimeout

// directClient keeps the connections to the server for as long as their trust stays the same.
type directClient struct {
	client     *http.Client
	serverName string
	caBundle   []byte
}

func (d *directClient) get(clk clock.Clock, target Target) *http.Client {
	if d.client != nil && d.serverName == target.ServerName && bytes.Equal(d.caBundle, target.CABundle) {
		return d.client
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(target.CABundle)
	transport := &http.Transport{
		DialContext: persistently(clk, (&net.Dialer{}).DialContext),
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			ServerName: target.ServerName,
			RootCAs:    roots,
		},
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   idleConnectionTimeout,
		// A connection to a node that died would otherwise be used until TCP gives up.
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
	}
	*d = directClient{
		client:     &http.Client{Transport: transport, CheckRedirect: refuseRedirect},
		serverName: target.ServerName,
		caBundle:   target.CABundle,
	}
	return d.client
}

// refuseRedirect keeps the probe's credentials from following a redirect; the aggregator follows none either.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
