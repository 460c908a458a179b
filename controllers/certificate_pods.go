// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/handshake"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// handshakesAge is how old the handshakes with the Pods of a server may be. A rotation that waits for them looks again
// after 3 seconds.
const handshakesAge = 2 * time.Second

// servedByPods is what each Pod served in its last handshake, by the Pod's UID.
type servedByPods map[types.UID]rotation.Pod

// seen is what kube-apiserver trusts, and what the Pods served in the last handshakes, which are made in the background
// once a rotation wants to know. awaited reports whether it wants to know, and there are none yet.
func (r *Reconciler) seen(ctx context.Context, s *scope) (seen rotation.Seen, awaited func() bool, err error) {
	registered, err := r.ownAPIServices(ctx, r.Client, s)
	if err != nil {
		return seen, nil, err
	}
	seen.CABundles = caBundles(registered)
	pods, err := r.serverPods(ctx, r.Client, s)
	pods = slices.DeleteFunc(pods, func(pod corev1.Pod) bool { return !workload.MayServe(&pod) })
	unknown := false
	seen.Pods = sync.OnceValue(func() (result []rotation.Pod) {
		result, unknown = r.served(s, pods)
		return result
	})
	return seen, func() bool { return unknown }, err
}

// served returns the results of the last handshakes with the Pods.
func (r *Reconciler) served(s *scope, pods []corev1.Pod) (result []rotation.Pod, unknown bool) {
	if len(pods) == 0 {
		return nil, false
	}
	server, host := s.Spec.Server, servingNames(s)[0]
	last, ended := r.Handshakes.Last(s.Name, host, handshakesAge, func(ctx context.Context) servedByPods {
		return handshakes(ctx, pods, server, host)
	})
	for i := range pods {
		served, looked := last[pods[i].UID]
		if !looked {
			served = rotation.Pod{Name: pods[i].Name, Err: errors.New("no handshake yet")}
			s.requeueAfter(handshakesAge) // when the last ones are old enough for others
		}
		result = append(result, served)
	}
	return result, ended.IsZero()
}

// handshakes are made with many Pods at the same time.
func handshakes(ctx context.Context, pods []corev1.Pod, server *v1alpha1.Server, host string) servedByPods {
	served := make([]rotation.Pod, len(pods))
	var group errgroup.Group
	group.SetLimit(limits.ProbesInFlightOfOne)
	for i := range pods {
		group.Go(func() error {
			served[i] = servedBy(ctx, &pods[i], server, host)
			return nil
		})
	}
	_ = group.Wait() // each has its error in the result
	result := servedByPods{}
	for i := range pods {
		result[pods[i].UID] = served[i]
	}
	return result
}

func servedBy(ctx context.Context, pod *corev1.Pod, server *v1alpha1.Server, host string) rotation.Pod {
	if pod.Status.PodIP == "" {
		return rotation.Pod{Name: pod.Name, Err: errors.New("it has no address yet")}
	}
	chain, err := handshake.Served(ctx, endpoints.OfPod(pod, manifests.ServerPort(pod, server)).Address, host)
	return rotation.Pod{Name: pod.Name, Chain: chain, Err: err}
}
