// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/internal/handshake"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
)

// seen looks at what kube-apiserver trusts, and, once somebody asks, at what the Pods serve.
func (r *Reconciler) seen(ctx context.Context, s *scope) (rotation.Seen, error) {
	seen := rotation.Seen{}
	registered, err := r.ownAPIServices(ctx, r.Client, s)
	if err != nil {
		return seen, err
	}
	for _, apiService := range registered {
		seen.CABundles = append(seen.CABundles, apiService.Spec.CABundle)
	}
	pods, err := r.serverPods(ctx, r.Client, s)
	seen.Pods = sync.OnceValue(func() []rotation.Pod { return servedBy(ctx, s, pods) })
	return seen, err
}

// servedBy asks the Pods, many at the same time.
func servedBy(ctx context.Context, s *scope, pods []corev1.Pod) []rotation.Pod {
	pods = slices.DeleteFunc(pods, func(pod corev1.Pod) bool { return !mayServe(&pod) })
	result := make([]rotation.Pod, len(pods))
	var asking errgroup.Group
	asking.SetLimit(limits.ProbesInFlightOfOne)
	for i := range pods {
		asking.Go(func() error {
			result[i] = askPod(ctx, s, &pods[i])
			return nil
		})
	}
	_ = asking.Wait() // each has its error in the result
	return result
}

func askPod(ctx context.Context, s *scope, pod *corev1.Pod) rotation.Pod {
	if pod.Status.PodIP == "" {
		return rotation.Pod{Name: pod.Name, Err: errors.New("it has no address yet")}
	}
	chain, err := handshake.Served(ctx, endpointOf(pod, s.Spec.Server).Address, servingNames(s)[0])
	return rotation.Pod{Name: pod.Name, Chain: chain, Err: err}
}

// mayServe tells whether a Pod may have read a serving certificate, and requests may still be sent to it.
func mayServe(pod *corev1.Pod) bool {
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	return !ended && pod.Spec.NodeName != ""
}
