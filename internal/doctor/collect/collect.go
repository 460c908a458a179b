// SPDX-License-Identifier: Apache-2.0

// Package collect reads the view of a cluster's aggregation layer, with the permissions of a user: known kinds and
// fixed paths, since discovery may be incomplete. Nothing that cannot be read keeps anything else from being read.
package collect

import (
	"context"
	"net/http"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"golang.org/x/sync/errgroup"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

const (
	// concurrency bounds the requests at the same time: a doctor must not be a load.
	concurrency = 16
	// readTimeout bounds a request for objects or documents of kube-apiserver.
	readTimeout = 10 * time.Second
)

// collector reads one view.
type collector struct {
	cluster *connect.Cluster
	clock   clock.WithDelayedExecution
	// aggregated has the resources in aggregated discovery, nil where they cannot be compared.
	aggregated objectcheck.Aggregated
	// each has a client for each of several kube-apiservers, by its address.
	each map[string]*http.Client
}

// View reads the aggregation layer. Where names are given, only these APIServices and ExtensionAPIs are looked at; a
// name that there is nothing of is an error.
func View(
	ctx context.Context, cluster *connect.Cluster, clk clock.WithDelayedExecution, names ...string,
) (*view.View, error) {
	c := &collector{cluster: cluster, clock: clk}
	v := &view.View{Host: cluster.Host, Now: clk.Now()}
	c.all(ctx, c.ofCluster(v))
	if err := restrict(v, names); err != nil {
		return nil, err
	}
	c.all(ctx, c.ofBackends(v))
	c.all(ctx, slices.Concat(c.throughEach(v), c.certificates(v), c.ofAPIServices(v)))
	return v, nil
}

// task reads a part of the view that no other task writes.
type task func(context.Context)

// all runs the tasks, some at a time.
func (c *collector) all(ctx context.Context, tasks []task) {
	var group errgroup.Group
	group.SetLimit(concurrency)
	for _, run := range tasks {
		group.Go(func() error {
			run(ctx)
			return nil
		})
	}
	_ = group.Wait() // no task returns an error
}

// ofCluster are the tasks that do not depend on others.
func (c *collector) ofCluster(v *view.View) []task {
	return []task{
		func(ctx context.Context) { c.readVersion(ctx, v) },
		func(ctx context.Context) { v.KubeAPIServers = snapshot.Of(c.kubeAPIServers(ctx)) },
		func(ctx context.Context) { v.MissingTrust = snapshot.Of(c.missingTrust(ctx)) },
		func(ctx context.Context) { v.MissingCertificate = snapshot.Of(c.missingCertificate(ctx)) },
		func(ctx context.Context) { v.Discovery = snapshot.Of(c.discovery(ctx)) },
		func(ctx context.Context) { c.aggregated = c.resources(ctx) },
		func(ctx context.Context) { v.OpenAPIV3 = snapshot.Of(c.openAPIV3(ctx)) },
		func(ctx context.Context) {
			v.APIServices = snapshot.Of(c.apiServices(ctx))
			v.Definitions = snapshot.Of(c.definitions(ctx, v.APIServices.Value()))
			v.OpenAPIV2 = snapshot.Of(c.openAPIV2(ctx, v.APIServices.Value()))
		},
		func(ctx context.Context) { v.Autoscalers = snapshot.Of(c.autoscalers(ctx)) },
		func(ctx context.Context) { v.Terminating = snapshot.Of(c.terminating(ctx)) },
		func(ctx context.Context) { v.ExtensionAPIs = snapshot.Of(c.extensionAPIs(ctx)) },
	}
}

// list reads all objects of a kind.
func (c *collector) list(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return c.cluster.Client.List(ctx, list, options...)
}

func (c *collector) terminating(ctx context.Context) ([]corev1.Namespace, error) {
	list := &corev1.NamespaceList{}
	if err := c.list(ctx, list); err != nil {
		return nil, err
	}
	var terminating []corev1.Namespace
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp != nil {
			terminating = append(terminating, list.Items[i])
		}
	}
	return terminating, nil
}

// autoscalers are those without metrics, which come from metrics.k8s.io, custom.metrics.k8s.io or
// external.metrics.k8s.io.
func (c *collector) autoscalers(ctx context.Context) ([]autoscalingv2.HorizontalPodAutoscaler, error) {
	list := &autoscalingv2.HorizontalPodAutoscalerList{}
	if err := c.list(ctx, list); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(autoscaler autoscalingv2.HorizontalPodAutoscaler) bool {
		return view.WithoutMetrics(&autoscaler) == nil
	}), nil
}

// extensionAPIs are none where the operator is not installed.
func (c *collector) extensionAPIs(ctx context.Context) ([]v1alpha1.ExtensionAPI, error) {
	list := &v1alpha1.ExtensionAPIList{}
	err := c.list(ctx, list)
	if kinds.IsUnknown(err) {
		return nil, nil
	}
	return list.Items, err
}
