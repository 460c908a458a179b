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

// answers are what came of one round.
type answers struct {
	samples map[Key]Sample
	// kubeAPIServers are the addresses of all that there are, or, when they could not be listed, of those that are known.
	kubeAPIServers []string
}

// send has a key probed with a client, unless it is not due. problem is why it cannot be probed, if it cannot.
type send func(key Key, client *http.Client, problem error)

// round probes what is due of a target, as much at the same time as its gate lets through. The token is there before
// the clock starts; without one nothing is sent.
func (p *Prober) round(ctx context.Context, l *loop, target Target, isDue func(Key) bool) answers {
	collector := newCollector(l.gate)
	l.client.aim(p.clock, target)
	token, noToken := p.tokens.Token(ctx)
	send := func(key Key, client *http.Client, problem error) {
		switch problem = cmp.Or(problem, noToken); {
		case !isDue(key):
		case problem != nil:
			collector.note(key, Sample{Err: notAsked(problem)})
		default:
			asker := asker{
				clock: p.clock, client: client, token: token, timeout: target.timeout(),
				groupVersions: target.GroupVersions,
			}
			collector.add(ctx, key, func() Sample { return p.ask(ctx, asker, key) })
		}
	}
	sendDirectly(&l.client, target, send)
	kubeAPIServers := p.sendThrough(ctx, l, target, send)
	return answers{collector.wait(), kubeAPIServers}
}

// ask sends one request, and once more with another token where one is refused that may have been revoked.
func (p *Prober) ask(ctx context.Context, asker asker, key Key) Sample {
	sample := asker.ask(ctx, key)
	if kindOf(sample).Status != http.StatusUnauthorized {
		return sample
	}
	token, err := p.tokens.Replace(ctx, asker.token)
	switch {
	case err != nil:
		return Sample{Err: notAsked(err)}
	case token == asker.token:
		return sample
	}
	asker.token = token
	return asker.ask(ctx, key)
}

// sendDirectly asks the server itself.
func sendDirectly(client *directClient, target Target, send send) {
	var problem error
	if len(target.CABundle) == 0 {
		problem = errors.New("there is no bundle of authorities to verify the server with, see CertificatesReady")
	}
	for _, key := range target.Direct() {
		send(key, client.forView(key.View), problem)
	}
}

// sendThrough asks through every kube-apiserver, and returns their addresses. When they cannot be listed, those that
// are known get that as their error.
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
