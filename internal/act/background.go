// SPDX-License-Identifier: Apache-2.0

package act

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/handshake"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/podcheck"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// handshakesAge is how old the handshakes with the replicas of a server may be. A rotation that waits for them looks
// again after 3 seconds.
const handshakesAge = 2 * time.Second

// lookAtLayer has the configuration of the aggregation layer looked at, which wakes the reconciler.
func (e *execution) lookAtLayer(p plan.Plan) {
	if p.LookAtLayer {
		e.Configurations.Start(e.s.Name, "", diagnosis.LayerRecheck, e.Layer.Configuration)
	}
}

// lookAtPeers makes handshakes with the peers that a rotation depends on, which wakes the reconciler.
func (e *execution) lookAtPeers(c *plan.Certificates) {
	peers, host := c.Handshakes, manifests.ServingHost(e.s.Backend)
	if len(peers) == 0 {
		return
	}
	e.Handshakes.Start(e.s.Name, host, handshakesAge, func(ctx context.Context) observe.Handshakes {
		return handshakes(ctx, peers, host)
	})
	isNew := func(peer snapshot.Peer) bool { _, found := e.s.Handshakes.ByPeer[peer.ID]; return !found }
	if slices.ContainsFunc(peers, isNew) {
		e.out.After(handshakesAge) // when the last ones are old enough for others
	}
}

// handshakes are made with many peers at the same time.
func handshakes(ctx context.Context, peers []snapshot.Peer, host string) observe.Handshakes {
	served := make([]rotation.Pod, len(peers))
	var group errgroup.Group
	group.SetLimit(limits.ProbesInFlightOfOne)
	for i := range peers {
		group.Go(func() error {
			served[i] = servedBy(ctx, peers[i], host)
			return nil
		})
	}
	_ = group.Wait() // each has its error in the result
	result := observe.Handshakes{}
	for i, peer := range peers {
		result[peer.ID] = served[i]
	}
	return result
}

func servedBy(ctx context.Context, peer snapshot.Peer, host string) rotation.Pod {
	if peer.Address == "" {
		return rotation.Pod{Name: peer.Name, Err: errors.New("it has no address yet")}
	}
	chain, err := handshake.Served(ctx, peer.Address, host)
	return rotation.Pod{Name: peer.Name, Chain: chain, Err: err}
}

// causesAge is how old the causes of Pods may be that are not ready.
const causesAge = 10 * time.Second

// lookForCauses reads why Pods are not ready, and what a server in them answers, which wakes the reconciler.
func (e *execution) lookForCauses(pods []corev1.Pod) {
	if len(pods) == 0 {
		return
	}
	server, reader := e.s.Spec.Server, e.Live
	e.Causes.Start(e.s.Name, "", causesAge, func(ctx context.Context) observe.Causes {
		return causes(ctx, reader, pods, server)
	})
	e.out.After(causesAge)
}

func causes(ctx context.Context, reader client.Reader, pods []corev1.Pod, server *v1alpha1.Server) observe.Causes {
	found := observe.Causes{}
	for i := range pods {
		address := ""
		if pods[i].Status.PodIP != "" && pods[i].Labels[manifests.ComponentLabel] == manifests.ServerComponent {
			address = endpoints.OfPod(&pods[i], manifests.ServerPort(&pods[i], server)).Address
		}
		found[pods[i].UID] = podcheck.Check(ctx, reader, &pods[i], address)
	}
	return found
}
