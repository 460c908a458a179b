// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// idleConnectionTimeout outlives the default interval, so that rounds share connections.
const idleConnectionTimeout = 90 * time.Second

// pingAfter is how long an HTTP/2 connection may be silent before it is checked, and how long the check may take.
const pingAfter = AggregatorTimeout

// round probes everything that target names, all at the same time.
func (p *Prober) round(ctx context.Context, l *loop, target Target) Results {
	collector := &collector{results: Results{}}
	p.askDirectly(ctx, collector, l.client.get(p.clock, target), target)
	if len(target.Registered) > 0 {
		p.askKubeAPIServers(ctx, collector, target)
	}
	collector.pending.Wait()
	return collector.results
}

// askDirectly asks the server itself. The token is there before the clock starts; without one nothing is asked.
func (p *Prober) askDirectly(ctx context.Context, collector *collector, client *http.Client, target Target) {
	keys := target.direct()
	if len(keys) == 0 {
		return
	}
	token, err := p.token(ctx)
	asker := asker{clock: p.clock, client: client, token: token, limit: target.Limit}
	for _, key := range keys {
		collector.add(key, func() Sample {
			if err != nil {
				return Sample{Err: err}
			}
			return asker.ask(ctx, key)
		})
	}
}

// askKubeAPIServers asks every kube-apiserver. When they cannot be listed, each group-version gets that as its error.
func (p *Prober) askKubeAPIServers(ctx context.Context, collector *collector, target Target) {
	servers, err := p.kubeAPIServers(ctx)
	for _, groupVersion := range target.Registered {
		if err != nil {
			collector.add(Key{View: ViewKubeAPIServer, GroupVersion: groupVersion}, func() Sample { return Sample{Err: err} })
		}
		for address, client := range servers {
			key := Key{ViewKubeAPIServer, address, groupVersion}
			asker := asker{clock: p.clock, client: client, limit: target.Limit}
			collector.add(key, func() Sample { return asker.ask(ctx, key) })
		}
	}
}

// collector gathers the samples of probes that run at the same time.
type collector struct {
	pending sync.WaitGroup
	mu      sync.Mutex
	results Results
}

func (c *collector) add(key Key, probe func() Sample) {
	c.pending.Go(func() {
		sample := probe()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.results[key] = sample
	})
}

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
