// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// answers are the results of one round.
type answers struct {
	samples map[Key]Sample
	// kubeAPIServers are the addresses of all kube-apiservers, or, if they could not be listed, of the known ones.
	kubeAPIServers []string
}

// send probes a key with a client, if it is due. problem is why it cannot be probed, nil if it can.
type send func(key Key, client *http.Client, problem error)

// round probes what is due of a target, as concurrently as its gate allows. The token is obtained before the latency is
// measured; without one no request is sent.
func (p *Prober) round(ctx context.Context, l *loop, target Target, isDue func(Key) bool) answers {
	collector := newCollector(l.gate)
	l.client.configure(p.clock, target)
	token, noToken := p.tokens.Token(ctx)
	send := func(key Key, client *http.Client, problem error) {
		switch problem = cmp.Or(problem, noToken); {
		case !isDue(key):
		case problem != nil:
			collector.note(key, Sample{Err: notSent(problem)})
		default:
			requester := requester{
				clock: p.clock, client: client, token: token, timeout: target.timeout(),
				groupVersions: target.GroupVersions,
			}
			collector.add(ctx, key, func() Sample { return p.do(ctx, requester, key) })
		}
	}
	sendDirectly(&l.client, target, send)
	kubeAPIServers := p.sendThrough(ctx, l, target, send)
	return answers{collector.wait(), kubeAPIServers}
}

// do sends one request, and repeats it with a new token if the token is rejected and may have been revoked.
func (p *Prober) do(ctx context.Context, requester requester, key Key) Sample {
	sample := requester.do(ctx, key)
	if kindOf(sample).Status != http.StatusUnauthorized {
		return sample
	}
	token, err := p.tokens.Replace(ctx, requester.token)
	switch {
	case err != nil:
		return Sample{Err: notSent(err)}
	case token == requester.token:
		return sample
	}
	requester.token = token
	return requester.do(ctx, key)
}

// sendDirectly probes the server without kube-apiserver.
func sendDirectly(client *directClient, target Target, send send) {
	var problem error
	if len(target.CABundle) == 0 {
		problem = errNoCABundle
	}
	for _, key := range target.Direct() {
		send(key, client.forView(key.View), problem)
	}
}

var errNoCABundle = errors.New("there is no CA bundle to verify the server with, see CertificatesReady")

// sendThrough probes through every kube-apiserver, and returns their addresses. If they cannot be listed, the known
// ones get that as their error.
func (p *Prober) sendThrough(ctx context.Context, l *loop, target Target, send send) (addresses []string) {
	if len(target.Registered) == 0 {
		return nil
	}
	clients, problem := p.kubeAPIServers(ctx)
	if problem != nil {
		addresses = l.knownKubeAPIServers()
	} else {
		addresses = slices.Sorted(maps.Keys(clients))
	}
	addresses = addresses[:min(len(addresses), limits.KubeAPIServers)]
	for _, key := range target.through(addresses) {
		send(key, clients[key.Address], problem)
	}
	return addresses
}
