// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"sync"
	"time"
)

// idleConnectionTimeout outlives the default interval, so that rounds share connections.
const idleConnectionTimeout = 90 * time.Second

// round probes everything that target names, all at the same time.
func (p *Prober) round(ctx context.Context, l *loop, target Target) Results {
	collector := &collector{results: Results{}}
	client := l.client.get(target, p.authenticate)
	for _, key := range target.direct() {
		collector.add(key, func() Sample {
			return probe(ctx, p.clock, client, key.Address, key.GroupVersion, target.Limit)
		})
	}
	if len(target.Registered) > 0 {
		p.probeKubeAPIServers(ctx, collector, target)
	}
	collector.pending.Wait()
	return collector.results
}

// probeKubeAPIServers asks every kube-apiserver. When they cannot be listed, each group-version gets that as its error.
func (p *Prober) probeKubeAPIServers(ctx context.Context, collector *collector, target Target) {
	servers, err := p.kubeAPIServers(ctx)
	for _, groupVersion := range target.Registered {
		if err != nil {
			collector.add(Key{View: ViewKubeAPIServer, GroupVersion: groupVersion}, func() Sample { return Sample{Err: err} })
		}
		for address, client := range servers {
			collector.add(Key{ViewKubeAPIServer, address, groupVersion}, func() Sample {
				return probe(ctx, p.clock, client, address, groupVersion, target.Limit)
			})
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

func (d *directClient) get(target Target, authenticate Authenticate) *http.Client {
	if d.client != nil && d.serverName == target.ServerName && bytes.Equal(d.caBundle, target.CABundle) {
		return d.client
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(target.CABundle)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			ServerName: target.ServerName,
			RootCAs:    roots,
		},
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   idleConnectionTimeout,
	}
	*d = directClient{
		client:     &http.Client{Transport: authenticate(transport), CheckRedirect: refuseRedirect},
		serverName: target.ServerName,
		caBundle:   target.CABundle,
	}
	return d.client
}

// refuseRedirect keeps the probe's credentials from following a redirect; the aggregator follows none either.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
